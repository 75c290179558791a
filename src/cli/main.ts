import { withDefaults } from './runtime/config-file.ts';
import { interruption } from './runtime/signals.ts';
import { programVersion } from '../package.ts';
import type { World } from './runtime/world.ts';

/**
 * Runs one command line, without the program's name.
 * @returns the exit status. Never throws; failures are printed.
 */
export async function main(argv: readonly string[], machine: World): Promise<number> {
  const { interrupted } = machine.signals;
  let world = machine;
  try {
    const text = await printed(argv, machine);
    if (text !== null) {
      await machine.stdout.write(text);
      return 0;
    }
    // Completion prints no errors.
    if (argv[0] !== '__complete') world = withDefaults(machine);
    return await Promise.race([run(argv, world), interruption(interrupted)]);
  } catch (error) {
    // Loaded only when needed: each module costs half a millisecond.
    const { reportFailure } = await import('./runtime/exit-status.ts');
    const { asksForJson } = await import('./input/global-options.ts');
    const json = asksForJson(argv, world.env);
    const debug = argv.includes('--debug');
    return await reportFailure(error, world, { json, debug });
  }
}

async function run(argv: readonly string[], world: World): Promise<number> {
  if (argv[0] === '__complete') {
    const { complete } = await import('./completion/answers.ts');
    return complete(argv.slice(1), world);
  }
  if (argv.length === 0) {
    const { showNextSteps } = await import('./output/next-steps.ts');
    return showNextSteps(world);
  }
  const { runCommandLine } = await import('./program.ts');
  return runCommandLine(argv, world);
}

/**
 * The two command lines that only print are answered here: loading commander costs as much as half
 * of starting node, measured, and `--version` is what scripts ask first.
 */
async function printed(argv: readonly string[], world: World): Promise<string | null> {
  const [word, ...others] = argv;
  if (others.length > 0) return null;
  if (word === '--version' || word === '-V') return `${programVersion()}\n`;
  if (word !== '--help' && word !== '-h' && word !== 'help') return null;
  const { rootHelp } = await import('./help/root-help.ts');
  return rootHelp(world);
}
