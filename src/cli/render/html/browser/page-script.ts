/** The script of a page: makes tables sortable, rows open and charts drawn. Without it the tables are there. */
import type { PageData } from '../page-data.ts';
import { drawCharts } from '../../../../display/browser/line-chart.ts';
import { enliven } from '../../../../display/browser/live-table.ts';
import { addThemeButton } from '../../../../display/browser/theme.ts';
import { addViewerTimes } from '../../../../display/browser/viewer-times.ts';

void start();

async function start(): Promise<void> {
  const root = document.documentElement;
  addViewerTimes(document.body);
  let data: PageData;
  try {
    data = await readData();
  } catch {
    const note = document.createElement('p');
    note.className = 'verdict not_whole';
    note.textContent =
      'This browser cannot unpack the details of this page (no DecompressionStream): examples, sorting and charts need a newer one.';
    document.querySelector('main')?.prepend(note);
    return;
  }
  root.classList.add('js');
  const charts = drawCharts(data.charts);
  addThemeButton(charts.redraw);
  const tables = data.tables.flatMap((table) => enliven(table) ?? []);
  addEventListener('beforeprint', () => tables.forEach(({ openAll }) => openAll()));
  addEventListener('afterprint', () => tables.forEach(({ closeOpened }) => closeOpened()));
  root.dataset['ready'] = '';
}

/** Nothing is fetched: a Response is made of what is in the page. */
async function readData(): Promise<PageData> {
  const packed = atob(document.getElementById('data')?.textContent ?? '');
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return (await new Response(unpacked).json()) as PageData;
}
