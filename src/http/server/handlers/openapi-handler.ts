import { getOpenApi } from '../../contract/openapi-route.ts';
import type { Route } from '../../contract/route.ts';
import { handleOpen, type Handler } from '../handler.ts';

/** Describes the routes, and itself. Made when it is first asked for: it takes some 30 ms. */
export function openApiHandler(routes: readonly Route[], version: string): Handler {
  let made: Promise<object> | null = null;
  return handleOpen(getOpenApi, () => {
    made ??= import('../../contract/openapi.ts').then(({ openApi }) =>
      openApi([...routes, getOpenApi], version),
    );
    return made;
  });
}
