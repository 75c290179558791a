import { detailedCapture } from './capture-details-form.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute } from './define-route.ts';

export const describeCapture = defineRoute({
  id: 'describeCapture',
  at: 'GET /api/captures/{capture}/details',
  tag: 'Captures',
  summary: 'show everything known of a capture',
  params: ofCapture,
  answer: { is: 'json', form: detailedCapture },
});
