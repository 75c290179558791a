import type { ListedCapture } from '../../core/store.ts';
import { fullName } from './full-name.ts';
import { jsonFields, type Noun } from './column.ts';

/** A file that a workload was exported to. */
export interface ExportedFile {
  readonly capture: ListedCapture;
  readonly file: string;
  readonly format: string;
  readonly bytes: number;
}

export const exportNoun: Noun<ExportedFile> = {
  ...jsonFields<ExportedFile>({
    capture: ({ capture }) => capture.id,
    name: ({ capture }) => capture.name,
    environment: ({ capture }) => capture.environmentName,
    file: ({ file }) => file,
    format: ({ format }) => format,
    bytes: ({ bytes }) => bytes,
  }),
  reference: ({ capture }) => fullName(capture),
  none: 'Nothing was exported.',
};
