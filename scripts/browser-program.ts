import { canInstall, find, install } from './server-programs.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * Finds Chromium, and installs it when it is missing, this is root and apt-get is there.
 * @param say is told in a line what is done, before it is done.
 * @throws Error that says what to install.
 */
export function ensureChromium(say: (line: string) => void): string {
  const found = find(NAMES);
  if (found !== null) return found;
  if (!canInstall()) {
    throw new Error(
      'There is no Chromium here: install it, for example with apt-get install chromium',
    );
  }
  say('There is no Chromium here: apt-get installs chromium.');
  install(['chromium']);
  const installed = find(NAMES);
  if (installed === null) throw new Error('apt-get did not install Chromium');
  return installed;
}
