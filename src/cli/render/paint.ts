/** What a colour says; never the only carrier of it. */
export type Tone = 'good' | 'bad' | 'busy' | 'dim' | 'strong';

export type Paint = (tone: Tone, text: string) => string;

export const plainPaint: Paint = (_tone, text) => text;

export type ColorChoice = 'auto' | 'always' | 'never';

/** Whether a stream gets colours: the option first, then the environment, then what the stream is. */
export function wantsColor(
  choice: ColorChoice,
  env: Readonly<Record<string, string | undefined>>,
  isTTY: boolean,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (isSet(env['NO_COLOR'])) return false;
  for (const name of ['FORCE_COLOR', 'CLICOLOR_FORCE']) {
    const value = env[name];
    if (isSet(value)) return value !== '0' && value !== 'false';
  }
  return isTTY && env['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** chalk is loaded only where there is something to colour; it ignores NO_COLOR, hence the level. */
export async function loadPaint(isColored: boolean): Promise<Paint> {
  if (!isColored) return plainPaint;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const tones: Record<Tone, (text: string) => string> = {
    good: chalk.green,
    bad: chalk.red,
    busy: chalk.yellow,
    dim: chalk.dim,
    strong: chalk.bold,
  };
  return (tone, text) => tones[tone](text);
}
