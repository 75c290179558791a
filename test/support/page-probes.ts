/** Programs that tests run in a page: texts, because the tests are compiled for Node and know no document. */

/** Opens every row. */
export const OPEN_ALL = `for (const button of document.querySelectorAll('.toggle')) button.click()`;

export const BACKGROUND = `getComputedStyle(document.body).backgroundColor`;

/** Writes down, at each print, how many rows are open. */
export const COUNT_PRINTED = `addEventListener('beforeprint', () => {
  document.body.dataset.printed = document.querySelectorAll('tr.detail:not([hidden])').length;
})`;

/** How many elements are such as no page of ours has; scripts; elements with a handler; links to elsewhere. */
export const STRANGE_ELEMENTS = `(() => {
  const names = 'img,iframe,object,embed,form,video,base,template,animate,math,details,style ~ style';
  const elements = [...document.querySelectorAll('*')];
  const hasHandler = ({ attributes }) => [...attributes].some(({ name }) => name.startsWith('on'));
  const links = [...document.querySelectorAll('a')].map((link) => link.getAttribute('href') ?? '');
  return [
    document.querySelectorAll(names).length,
    document.scripts.length,
    elements.filter(hasHandler).length,
    links.filter((href) => !/^(#|https:\\/\\/github)/.test(href)).length,
  ];
})()`;

/** What an attacker would do who found a hole in the escaping. */
export const BREAK_IN = `(() => {
  const place = document.createElement('div');
  place.innerHTML = '<img src="http://127.0.0.1:9/x.png" onerror="document.title = 1">';
  const script = document.createElement('script');
  script.textContent = 'document.title = "pwned"';
  document.body.append(place, script);
})()`;

/** Texts whose contrast to what is behind them is below 4.5. */
export const LOW_CONTRASTS = `(() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r, g, b] = parse(colour).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    if (element === null) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return parse(backgroundColor)[3] === 0 ? backgroundOf(element.parentElement) : backgroundColor;
  };
  const hasText = ({ childNodes }) =>
    [...childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
  return [...document.querySelectorAll('body *')]
    .filter((element) => hasText(element) && element.getClientRects().length > 0)
    .flatMap((element) => {
      const [one, other] = [light(getComputedStyle(element).color), light(backgroundOf(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return ratio < 4.5 ? [element.tagName + ' ' + element.className + ': ' + ratio.toFixed(2)] : [];
    });
})()`;
