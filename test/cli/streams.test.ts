import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BIN } from '../support/processes.ts';
import { emptyFolder } from '../support/cli.ts';

/** Runs a line of the shell in which $C is the program. */
function shell(line: string): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, C: BIN, CAPTURES_HOME: emptyFolder() };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('output that cannot be written', () => {
  it.each([
    ['$C completion bash > /dev/full', 'no space left on device'],
    ['$C --help > /dev/full', 'no space left on device'],
    ['$C completion bash 1< /etc/passwd', 'bad file descriptor'],
    ['$C --help >&-', 'bad file descriptor'],
    ['$C completion bash >&- <&-', 'bad file descriptor'],
    ['ulimit -f 0; trap "" XFSZ; $C --help > "$CAPTURES_HOME/x"', 'file too large'],
  ])('is said in a sentence, and is no bug: %s', (line, why) => {
    expect(shell(line)).toEqual({
      status: 1,
      stdout: '',
      stderr: `captures: Cannot write the output: ${why}\n`,
    });
  });

  it('is an object with --json', () => {
    const { status, stderr } = shell('$C doctor --json > /dev/full');
    expect([status, JSON.parse(stderr)]).toEqual([
      1,
      { code: 500, message: 'Cannot write the output: no space left on device' },
    ]);
  });

  it('because its reader went away is no failure', () => {
    expect(shell('$C --help | true; echo ${PIPESTATUS[0]}')).toMatchObject({
      stdout: '0\n',
      stderr: '',
    });
  });

  it('as a note leaves the work as it is', () => {
    // A full stderr must not make a success of a failure, nor a failure of a success.
    expect(
      shell('$C init --user ada --password-file /nowhere 2> /dev/full').status,
    ).toBeGreaterThan(1);
    const made =
      'echo correct-horse | $C init --user ada --password-stdin 2> /dev/full && $C whoami -o name';
    expect(shell(made)).toMatchObject({ status: 0, stdout: 'ada\n' });
  });

  it('to /dev/null is written', () => {
    expect(shell('$C --help > /dev/null && $C --help 1<> /dev/null').status).toBe(0);
  });
});
