import { AppError, isAppError } from '../../core/errors.ts';
import type { Approval } from '../../core/warm-ups/approvals.ts';
import { endedText, slowLogText } from '../render/values-text.ts';
import type { Context } from '../runtime/context.ts';

const EFFECT =
  'An application sees one error on a stale connection, unless its pool checks or retries; session state (temporary tables, variables) is lost.';

/**
 * Runs a use case that needs approval for what disturbs other users: asks for what it names, and runs it again.
 * @param isAgreed whether everything is approved without a question.
 * @throws AppError `declined`; `invalid` where no prompt can be shown.
 */
export async function approving<Result>(
  context: Context,
  isAgreed: boolean,
  run: (approved: readonly Approval['for'][]) => Promise<Result>,
): Promise<Result> {
  const approved: Approval['for'][] = isAgreed ? ['warm_up', 'recycling'] : [];
  for (;;) {
    try {
      return await run(approved);
    } catch (error) {
      if (!isAppError(error) || error.hint === null || typeof error.hint === 'string') throw error;
      if (error.hint.code !== 'approve') throw error;
      for (const approval of error.hint.approvals) {
        if (!(await isApproved(context, approval))) {
          throw new AppError('declined', 'Nothing was changed');
        }
        approved.push(approval.for);
      }
    }
  }
}

async function isApproved(context: Context, approval: Approval): Promise<boolean> {
  if (approval.for === 'warm_up') {
    const what = slowLogText(approval.slowLog);
    const prompter = await context.prompter(
      `The slow log would get more than slow statements: ${what}`,
      'Raise long_query_time, or switch log_queries_not_using_indexes off, first; or add --yes.',
    );
    await context.tell(`While it lasts, ${what}.`);
    return prompter.confirm('Is there enough space for that?');
  }
  const { users, isLater, sessions } = approval;
  const prompter = await context.prompter(
    '--recycle-sessions ends sessions of others, and there is no terminal to confirm on',
    'To confirm without a prompt add --yes.',
  );
  const when = isLater ? 'When the capture starts' : 'When the log is on';
  const whose = users.length === 0 ? '' : ` of ${users.join(', ')}`;
  await context.tell(
    `${when}, sessions${whose} from before are ended if they are idle and have no open transaction and no lock: at most four a second, for two minutes.`,
  );
  if (sessions !== null) await context.tell(`Now that would be: ${endedText(sessions, users)}.`);
  await context.tell(EFFECT);
  return prompter.confirm('End them?');
}
