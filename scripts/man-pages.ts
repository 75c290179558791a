/**
 * Makes `dist/man` of the program's own help: one page for `captures`, one a command, one a topic.
 * Part of `npm run build`; what `captures help create` says is what `man captures-create` says.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HELP_TOPIC_NAMES } from '../src/cli/help/topic-names.ts';
import { main } from '../src/cli/main.ts';
import { SignalDesk } from '../src/cli/runtime/signals.ts';
import type { World } from '../src/cli/runtime/world.ts';
import { VERBS, type Verb } from '../src/cli/commands/verbs.ts';
import { systemClock } from '../src/core/clock.ts';

const ROOT = resolve(import.meta.dirname, '..');

interface Page {
  /** `captures-env-create`. */
  readonly name: string;
  readonly summary: string;
  /** What to call for its help. */
  readonly words: readonly string[];
  readonly seeAlso: readonly string[];
}

/** Writes every page. */
export async function writeManPages(folder: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  mkdirSync(folder, { recursive: true });
  for (const { name, summary, words, seeAlso } of allPages()) {
    // In fewer than 80 columns the commands stand one on a line.
    const help = await helpOf(words, words.length === 0 ? 79 : 80);
    const text = manPage({ name, summary, seeAlso, version, help });
    writeFileSync(join(folder, `${name}.1`), text);
  }
}

/** What `captures help WORDS` prints, in so many columns; run here, for a process a page takes 11 s. */
async function helpOf(words: readonly string[], columns: number): Promise<string> {
  let text = '';
  let failure = '';
  const status = await main(['help', ...words], {
    ...NOTHING,
    stdout: {
      isTTY: false,
      columns,
      write: (data) => Promise.resolve(void (text += String(data))),
    },
    stderr: {
      isTTY: false,
      columns,
      write: (data) => Promise.resolve(void (failure += String(data))),
    },
    env: { COLUMNS: String(columns) },
  });
  if (status !== 0) throw new Error(`captures help ${words.join(' ')}: ${failure}`);
  return text;
}

const unused = (): never => {
  throw new Error('Help needs nothing of the machine');
};
/** A machine for a program that prints help and no more. */
const NOTHING: Omit<World, 'stdout' | 'stderr' | 'env'> = {
  stdin: { isTTY: false, readFirstLine: unused, chunks: unused },
  cwd: '/',
  home: '/',
  userName: '',
  hostName: '',
  pid: 0,
  timeZone: 'UTC',
  clock: systemClock,
  signals: new SignalDesk(),
  prompter: unused,
  serverLogs: unused,
  isRunning: unused,
  becomeDaemon: unused,
  saveMemory: unused,
  endAtOnce: unused,
  startDaemon: unused,
  commandFault: unused,
  runCommand: unused,
};

function allPages(): Page[] {
  const commands = pagesOf(VERBS, []);
  const topics = HELP_TOPIC_NAMES.map((topic) => ({
    name: `captures-${topic}`,
    summary: `${topic.replaceAll('-', ' ')} of captures`,
    words: [topic],
    seeAlso: ['captures'],
  }));
  return [
    {
      name: 'captures',
      summary: 'record every statement a MySQL or MariaDB server receives',
      words: [],
      seeAlso: [...commands, ...topics].map(({ name }) => name),
    },
    ...commands,
    ...topics,
  ];
}

function pagesOf(verbs: readonly Verb[], above: readonly string[]): Page[] {
  return verbs
    .filter(({ name }) => name !== 'help')
    .flatMap((verb) => {
      const words = [...above, verb.name];
      const below = 'verbs' in verb ? pagesOf(verb.verbs, words) : [];
      const page = {
        name: ['captures', ...words].join('-'),
        summary: verb.summary,
        words,
        seeAlso: [['captures', ...above].join('-'), ...below.map(({ name }) => name)],
      };
      return [page, ...below];
    });
}

/**
 * A help text as a page of section 1, in the macros of man(7). Headings (`Options:`) become sections,
 * their two columns tagged paragraphs, examples stay as they are.
 */
export function manPage(page: {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  readonly seeAlso: readonly string[];
  readonly help: string;
}): string {
  const { name, summary, version, seeAlso, help } = page;
  const lines = [
    `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "captures ${version}" "captures"`,
    // A field's name that is broken at the end of a line is not the field's name.
    '.nh',
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(summary)}`,
  ];
  if (!help.startsWith('Usage:')) lines.push('.SH DESCRIPTION');
  let section = '';
  let isTable = false;
  for (const line of help.trimEnd().split('\n')) {
    const [, heading, aside] = /^([A-Z][A-Za-z ]*?)(?: \((.+)\))?:$/.exec(line) ?? [];
    const usage = /^Usage: (.*)$/.exec(line)?.[1];
    const item = /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line);
    const isExample = section === 'EXAMPLES' || section === '';
    if (usage !== undefined) {
      lines.push('.SH SYNOPSIS', `.B ${escaped(usage)}`, '.SH DESCRIPTION');
      section = 'DESCRIPTION';
    } else if (heading !== undefined) {
      section = heading.toUpperCase();
      isTable = false;
      lines.push(`.SH ${section}`);
      if (aside !== undefined)
        lines.push(escaped(`${aside.charAt(0).toUpperCase()}${aside.slice(1)}.`));
    } else if (line === '') {
      isTable = false;
      lines.push('.PP');
    } else if (item !== null && !isExample) {
      isTable = true;
      lines.push('.TP', `.B ${escaped(item[1] ?? '')}`, escaped(item[2] ?? ''));
    } else if (isTable && /^ {10,}\S/.test(line)) {
      lines.push(escaped(line.trim()));
    } else if (line.startsWith(' ') || section === '') {
      lines.push('.nf', escaped(line), '.fi');
    } else {
      if (section === 'EXAMPLES' || section.endsWith('OPTIONS')) {
        section = section === 'EXAMPLES' ? 'OUTPUT' : 'NOTES';
        lines.push(`.SH ${section}`);
      }
      lines.push(escaped(line));
    }
  }
  lines.push('.SH SEE ALSO');
  lines.push(seeAlso.map((other) => `.BR ${escaped(other)} (1)`).join(' ,\n'));
  return `${withoutEmptyParagraphs(lines).join('\n')}\n`;
}

/** Text in which roff sees no request and no escape, and that every terminal can show. */
function escaped(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}

/** Joins examples that follow one another, and leaves out paragraphs next to a heading. */
function withoutEmptyParagraphs(lines: readonly string[]): string[] {
  const kept: string[] = [];
  for (const line of lines) {
    if (line === '.nf' && kept.at(-1) === '.fi') {
      kept.pop();
      continue;
    }
    if (/^\.SH/.test(line)) while (kept.at(-1) === '.PP') kept.pop();
    if (line === '.PP' && /^\.(?:SH|PP)/.test(kept.at(-1) ?? '.SH')) continue;
    kept.push(line);
  }
  return kept;
}
