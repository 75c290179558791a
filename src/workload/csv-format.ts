import type { StatementRecord } from '../core/workloads/statements.ts';
import { LONG_TEXT, textPieces } from './text-pieces.ts';

const FIELDS = ['seq', 'time', 'session', 'user', 'host', 'db', 'kind', 'sql', 'bytes', 'flags'];
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * Statements as CSV by RFC 4180 in UTF-8: a header line, CRLF at the end of each line, and quotes where a
 * field has a comma, a quote or a line end. What is unknown is nothing, an empty text is `""`; flags have a
 * space between them.
 */
export async function* formatCsv(
  records: AsyncIterable<readonly StatementRecord[]>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${FIELDS.join(',')}\r\n`);
  for await (const part of records) {
    let text = '';
    for (const { seq, time, session, user, host, db, kind, sql, bytes, flags } of part) {
      text += `${seq},${time},${session},${field(user)},${field(host)},${field(db)},${kind},`;
      if (sql.length <= LONG_TEXT) {
        text += `${field(sql)},${bytes ?? ''}`;
      } else {
        yield Buffer.from(`${text}"`);
        for (const piece of textPieces(sql)) yield Buffer.from(piece.replaceAll('"', '""'));
        yield Buffer.from('",');
        for (const piece of textPieces(bytes ?? '')) yield Buffer.from(piece);
        text = '';
      }
      text += `,${flags?.join(' ') ?? ''}\r\n`;
    }
    yield Buffer.from(text);
  }
}

function field(value: string | null): string {
  if (value === null) return '';
  return value === '' || NEEDS_QUOTES.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
