import type { ImportOrigin } from '../../core/workloads/transfer.ts';
import type { JsonObject } from './column.ts';
import { isoTime } from './moments.ts';
import { serverText } from './servers.ts';

/** `shop/friday of ada on mariadb 10.11.6 at db1:3306`: where an imported capture was recorded. */
export function originText(
  { environment, name, owner }: ImportOrigin,
  server: Parameters<typeof serverText>[0] | null,
): string {
  const on = server === null ? '' : ` on ${serverText(server)}`;
  return `${environment}/${name} of ${owner}${on}`;
}

export function originJson({
  captureId,
  name,
  environment,
  owner,
  exportedAt,
  importedAt,
}: ImportOrigin): JsonObject {
  return {
    id: captureId,
    name,
    environment,
    owner,
    exportedAt: isoTime(exportedAt),
    importedAt: isoTime(importedAt),
  };
}
