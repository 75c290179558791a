import type { CreationEvent } from '../../core/captures/capture-creation.ts';
import type { DeletionEvent } from '../../core/captures/capture-service.ts';
import type { CaptureEvent } from '../../core/captures/following.ts';
import type { Context } from '../runtime/context.ts';
import { fullName } from '../render/full-name.ts';
import { hintText } from './hint-texts.ts';
import type { Progress } from './progress-line.ts';

/**
 * Prints on stderr what a use case reports about a capture.
 * @param progress shows how the capture stands; null to leave that out.
 */
export function tellEvents(
  context: Context,
  progress: Progress | null = null,
): (event: CaptureEvent | CreationEvent | DeletionEvent) => Promise<void> {
  return async (event) => {
    switch (event.type) {
      case 'daemon_started':
        return context.note(
          `no daemon was running: started one in the background (pid ${event.pid}, log ${event.logFile})`,
        );
      case 'waits_for_server': {
        const hint = hintText({ code: 'end_without_rest', capture: event.capture });
        return context.note(
          `"${event.capture.name}" waits for its server: ${event.reason}. ${hint ?? ''}`,
        );
      }
      case 'stopping':
        return context.note(`Stopping ${event.capture.name} first.`);
      case 'seen':
        return progress?.show(event.capture, event.live);
      case 'deleted': {
        const name = fullName(event.capture);
        const { workloadFolder } = event;
        if (event.capture.records === null && workloadFolder === null)
          return context.note(`Deleted ${name}.`);
        return context.note(
          workloadFolder === null
            ? `Deleted ${name} and its workload.`
            : `Deleted ${name}; its workload stays in ${workloadFolder}.`,
        );
      }
      case 'notice': {
        const { tellNotice } = await import('./notice-texts.ts');
        return tellNotice(context, event.notice);
      }
      case 'log_off': {
        const { message, hint } = event.failure;
        for (const line of [message, ...(hintText(hint) ?? '').split('\n')])
          await context.tell(line);
        return context.tell(
          'Waiting until it is on. Ctrl-C cancels; nothing is stored until then.',
        );
      }
      case 'log_looked_at':
        return context.tell(event.isOn ? 'The log is on.' : 'The log is still off.');
    }
  };
}
