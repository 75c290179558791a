const prefersDark = matchMedia('(prefers-color-scheme: dark)');

/** A button that changes between light and dark; nothing is stored. @param changed draws anew what has its own colours. */
export function addThemeButton(changed: () => void): void {
  const root = document.documentElement;
  const isDark = (): boolean =>
    root.dataset['theme'] === undefined ? prefersDark.matches : root.dataset['theme'] === 'dark';
  const button = document.createElement('button');
  button.className = 'theme';
  button.type = 'button';
  const label = (): void => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.ariaLabel = `Change to ${isDark() ? 'light' : 'dark'} colours`;
  };
  button.addEventListener('click', () => {
    root.dataset['theme'] = isDark() ? 'light' : 'dark';
    label();
    changed();
  });
  prefersDark.addEventListener('change', () => {
    label();
    changed();
  });
  label();
  document.querySelector('header')?.prepend(button);
}
