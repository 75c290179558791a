const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const ownClock = new Intl.DateTimeFormat('sv-SE', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: ownZone,
});

/** Whether the viewer's clock is not UTC: the time is said twice then. */
const isElsewhere = ownZone !== 'UTC' && ownZone !== 'Etc/UTC';

/** `2026-11-22 04:00:05 Europe/Berlin`; empty where the viewer's clock is UTC. */
export function viewerTime(at: number): string {
  return isElsewhere ? `${ownClock.format(at)} ${ownZone}` : '';
}

/** Says behind every time in UTC what it is on the viewer's clock. */
export function addViewerTimes(within: ParentNode): void {
  if (!isElsewhere) return;
  for (const element of within.querySelectorAll('time')) {
    const local = document.createElement('span');
    local.className = 'local';
    local.textContent = ` (${viewerTime(Date.parse(element.dateTime))})`;
    element.after(local);
  }
}
