import { expect, test } from 'vitest';
import {
  logsToTable,
  recordingOutput,
  sameOutput,
  settingsWarnings,
} from '../../../../src/source/mysql/log/log-settings.ts';

test.each([
  [false, 'FILE', false, 'TABLE', false, 0],
  [true, 'FILE', false, 'FILE,TABLE', false, 1],
  [true, 'TABLE', false, 'TABLE', true, 0],
  [true, 'FILE,TABLE', false, 'FILE,TABLE', true, 1],
  [false, 'FILE', true, 'FILE,TABLE', false, 2],
  [false, 'TABLE', true, 'TABLE', false, 0],
  [false, 'NONE', true, 'TABLE', false, 1],
])(
  'general log %s to %s, slow log %s: recorded with log_output %s',
  (generalLog, logOutput, slowLog, output, toTable, warnings) => {
    const settings = { generalLog, logOutput, slowLog, tableEngine: 'CSV' };
    expect(recordingOutput(settings)).toBe(output);
    expect(logsToTable(settings)).toBe(toTable);
    expect(settingsWarnings(settings)).toHaveLength(warnings);
  },
);

test('outputs are the same in any order', () => {
  expect(sameOutput('TABLE,FILE', 'FILE,TABLE')).toBe(true);
  expect(sameOutput('FILE', 'FILE,TABLE')).toBe(false);
});
