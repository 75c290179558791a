import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, initialisedHome, PASSWORD, runCaptures, type Answer } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { temporaryFolder } from '../support/stores.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  addUser(home, 'bob');
  await runCaptures(['env', 'create', 'shop'], { home });
  // The only one would be taken, and nobody asked.
  await runCaptures(['env', 'create', 'other'], { home });
  await runCaptures(['create', 'friday', '--env', 'shop'], { home });
  await runCaptures(
    ['schedule', 'create', 'nightly', '--env', 'shop', '--cron', '0 2 * * *', '--duration', '30m'],
    { home },
  );
});

const answer = (to: string, text = 'x'): Answer => ({ to, answer: text });

/** Every question that a command asks, in its order. */
const QUESTIONS: readonly (readonly [string, readonly Answer[]])[] = [
  ['login', [answer('User name', 'ada'), answer('Password for ada')]],
  ['create', [answer('Name of the capture', 'asked'), answer('Which environment?', 'shop')]],
  [
    'env create',
    [
      answer('Name of the environment', 'asked'),
      answer('Server, as mysql://', 'mysql://r@h'),
      answer('Where its password is', 'env:X'),
    ],
  ],
  [
    'env create named',
    [answer('Server, as mysql://', 'mysql://r@h'), answer('Where its password is', 'env:X')],
  ],
  [
    'user create',
    [
      answer('Name of the user', 'asked'),
      answer('Password for the new captures user asked (at least 8 characters)', PASSWORD),
      answer('Repeat the password', PASSWORD),
    ],
  ],
  [
    'user passwd',
    [
      answer('Current password', PASSWORD),
      answer('New password for ada', PASSWORD),
      answer('Repeat the password', PASSWORD),
    ],
  ],
  ['token create', [answer('Name of the token', 'asked')]],
  ['delete friday', [answer("Type the capture's name")]],
  ['schedule delete nightly', [answer("Type the schedule's name")]],
  ['user delete bob', [answer("Type the user's name")]],
  ['env delete shop --with-captures', [answer("Type the environment's name")]],
];

/** The newest entry of the audit trail, and that ada is still logged in. */
async function state(): Promise<string> {
  const { status, stdout } = await runCaptures(['log', '-o', 'name', '--limit', '1'], { home });
  return `${status} ${stdout}`;
}

describe('Ctrl-C', () => {
  it.each(
    QUESTIONS.flatMap(([line, answers]) =>
      answers.map((last, index) => [line, last.to, answers.slice(0, index)] as const),
    ),
  )('in %s at "%s" exits 130 and changes nothing', async (line, last, before) => {
    const untouched = await state();
    const result = await runCaptures(line.split(' '), {
      home,
      tty: 80,
      answers: [...before, { to: last, answer: CTRL_C }],
    });
    expect([result.status, result.stdout]).toEqual([130, '']);
    expect(await state()).toBe(untouched);
  });

  it('in init leaves no folder behind', async () => {
    const folder = join(temporaryFolder(), 'none');
    const answers = [
      answer('Password for the new captures user ada', PASSWORD),
      { to: 'Repeat the password', answer: CTRL_C },
    ];
    const result = await runCaptures(['init'], { home: folder, tty: 80, answers });
    expect([result.status, existsSync(folder)]).toEqual([130, false]);
  });
});

describe('a question', () => {
  // Where nothing describes an environment, its name alone makes one that is metrics-only.
  it.each(QUESTIONS.filter(([line]) => line !== 'env create named'))(
    'of %s is not asked without a terminal, with CI or --no-input',
    async (line) => {
      const untouched = await state();
      const argv = line.split(' ');
      for (const [options, more] of [
        [{}, []],
        [{ tty: 80, env: { CI: 'true' } }, []],
        [{ tty: 80 }, ['--no-input']],
      ] as const) {
        const refused = await runCaptures([...argv, ...more], { home, ...options });
        expect([refused.status, refused.stdout]).toEqual([2, '']);
        expect(refused.stderr).toMatch(/^captures: .+\n {2}.+\n$/);
      }
      expect(await state()).toBe(untouched);
    },
  );
});
