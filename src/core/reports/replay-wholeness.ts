import type { ReplayReport } from '../replays/replay-report.ts';
import type { ReplayOptions } from '../replays/replay.ts';
import { counted, formatCount } from '../units.ts';

/** Of the statements that one answered, the other may lack this share, and had the same to do all the same. */
const MUCH_MISSING = 0.01;

/**
 * Why two replays cannot be compared as wholes, so that "no difference" says nothing of the record: sentences without
 * a full stop, what matters most first; none where they can.
 */
export function incomparableTexts(a: ReplayReport, b: ReplayReport): string[] {
  const found = [
    ...endTexts('B', b),
    ...endTexts('A', a),
    ...partTexts(a.replay.options, b.replay.options),
  ];
  return found.length > 0 ? found : missingTexts(a, b);
}

function endTexts(side: string, { status, reason, result }: ReplayReport): string[] {
  const { ended, statements } = result;
  const {
    session_lost: sessions = 0,
    target_lost: target = 0,
    interrupted = 0,
  } = statements.skipped;
  const lost = sessions + target + interrupted;
  const clauses: string[] = [];
  if (ended.why === 'target_lost') clauses.push(`its target was lost (${ended.message})`);
  else if (ended.why === 'record_lost')
    clauses.push(`its record could not be read on (${ended.message})`);
  else if (ended.why === 'interrupted') clauses.push('it was ended before its record did');
  else if (status === 'FAILED') clauses.push(`it failed (${reason ?? 'no reason is known'})`);
  if (lost > 0) {
    const all = `${formatCount(lost)} of ${counted(statements.records, 'statement')} were not sent`;
    const refused = 'connections were refused or lost';
    if (sessions === lost) clauses.push(`${all}, because ${refused}`);
    else if (sessions > 0)
      clauses.push(`${all}, ${formatCount(sessions)} of them because ${refused}`);
    else clauses.push(all);
  }
  return clauses.length === 0 ? [] : [`${side} was not replayed whole: ${clauses.join('; ')}`];
}

function partTexts(one: ReplayOptions, other: ReplayOptions): string[] {
  const found: string[] = [];
  if (JSON.stringify(one.search) !== JSON.stringify(other.search)) {
    found.push(
      'A and B replayed different parts of the record: only digests with as many answers on both sides are compared',
    );
  }
  if (one.writes !== other.writes) {
    const [readOnly, writing] = one.writes ? ['B', 'A'] : ['A', 'B'];
    found.push(
      `${readOnly} was read-only and ${writing} wrote: what writes is in ${writing} alone, and ${writing}'s server had more to do`,
    );
  }
  return found;
}

function missingTexts(a: ReplayReport, b: ReplayReport): string[] {
  const answers = ({ result: { rows } }: ReplayReport): number =>
    rows.reduce((sum, { count }) => sum + count, 0);
  const [inA, inB] = [answers(a), answers(b)];
  const [least, most] = [Math.min(inA, inB), Math.max(inA, inB)];
  if (most === 0) return ['Neither A nor B has an answer'];
  if (least >= (1 - MUCH_MISSING) * most) return [];
  return [
    `A has ${counted(inA, 'answer')} and B ${formatCount(inB)}: their servers did not have the same to do`,
  ];
}
