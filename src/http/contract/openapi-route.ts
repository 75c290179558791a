import { defineRoute } from './define-route.ts';
import { plain } from './wire.ts';

export const getOpenApi = defineRoute({
  id: 'getOpenApi',
  at: 'GET /api/openapi.json',
  tag: 'About',
  summary: 'this description, as OpenAPI 3.1',
  isOpen: true,
  answer: { is: 'json', form: plain<object>('An OpenAPI document') },
});
