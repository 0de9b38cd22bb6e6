import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, findBrowser, NO_BROWSER, startBrowser, type View } from '../../helpers/browser.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamCache, gamServe, gamServeUpstream } from '../../helpers/gam-serve.ts';
import { ask } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// The page at /-/ as a user sees it, in a headless Chromium.

const program = findBrowser();
const LONG = 'a-very-long-name-without-any-break-'.repeat(5);
const NAMES = ['eu', 'مرآة-القاهرة', '"><script>alert(1)</script>', LONG.slice(0, 64)];

if (program === null) {
  test.skip(`the page in a browser: ${NO_BROWSER}`, () => undefined);
} else {
  describe('in a browser', () => inBrowser(program));
}

function inBrowser(found: string): void {
  let sandbox: Sandbox;
  let served: GamServe;
  let browser: Browser;

  const open = (view: View = {}, path = '/-/') => browser.open(`${served.url}${path}`, view);
  const rows = `[...document.querySelectorAll('table.mirrors tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))`;

  const overflowing = `[...document.querySelectorAll('body *')].filter((one) => !one.closest('svg, thead') &&
    one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline').map((one) => one.outerHTML)`;

  beforeAll(async () => {
    sandbox = makeSandbox();
    await generateHistory(sandbox, 'served/project.git', { commits: 5 });
    await generateHistory(sandbox, `served/${LONG}.git`, { commits: 2 });
    const cwd = 'served/project.git';
    const set = (key: string, value: string) => sandbox.git(['config', key, value], { cwd });
    await set('mirrorList.enabled', 'true');
    await set('mirrorList.canonical', `https://far.example/${LONG}.git`);
    for (const [index, name] of NAMES.entries()) {
      await set(`mirrorList.${name}.url`, `http://127.0.0.1:${index + 1}/${LONG}.git`);
      await set(`mirrorList.${name}.location`, ['DE', 'EG', '-89.5,179.9', '35.68,139.69'][index] ?? '');
    }
    served = await gamServe(sandbox, 'served');
    await ask({ url: served.url, path: `/${LONG}.git/info/refs?service=git-upload-pack` });
    browser = startBrowser(found);
  });

  afterAll(async () => {
    await browser.close();
    await served.stop();
    await expectNoChildren(sandbox);
    await sandbox.close();
  });

  test.each<View>([{ script: true }, { script: false }])(
    'mirrors are in the table and on the map, %o',
    async (view) => {
      const tab = await open(view);
      const shown = await tab.evaluate<string[]>(rows);
      expect(shown).toHaveLength(NAMES.length);
      for (const [index, name] of NAMES.entries()) {
        expect(shown[index]).toContain(name);
        expect(shown[index]).toContain(`http://127.0.0.1:${index + 1}/`);
      }
      expect(shown[0]).toContain('Germany (DE)');
      expect(await tab.evaluate('document.querySelectorAll("svg.map circle").length')).toBe(NAMES.length);
      // Every dot is within the map's frame, whole.
      const within = `(() => {
      const map = document.querySelector('svg.map').getBoundingClientRect();
      return [...document.querySelectorAll('circle')].map((dot) => dot.getBoundingClientRect())
        .every((dot) => dot.left >= map.left && dot.right <= map.right && dot.top >= map.top && dot.bottom <= map.bottom);
    })()`;
      expect(await tab.evaluate(within)).toBe(true);
      const said = await tab.evaluate<string>('document.getElementById("freshness").innerText');
      expect(said).toMatch(view.script ? /^New figures come every 10 seconds\.$/ : /Reload for newer ones/);
    },
  );

  test('nothing complains, and nobody else is asked for anything', async () => {
    const tab = await open();
    await tab.evaluate("fetch('status.json').then((answer) => answer.text())");
    expect(tab.asked.filter((url) => !url.startsWith('data:'))).toEqual([
      `${served.url}/-/`,
      `${served.url}/-/status.json`,
    ]);
    expect(tab.complaints).toEqual([]);
    // So that an empty list means something: a breach of the policy would be in it.
    await tab.evaluate("document.body.append(Object.assign(new Image(), { src: '/x.png' }))");
    await expect.poll(() => tab.complaints.join(), { timeout: 30_000 }).toMatch(/Content Security Policy/);
  });

  test.each([320, 360, 768, 1280])('at %i pixels nothing has to be scrolled sideways', async (width) => {
    const tab = await open({ width, height: 800 });
    expect(await tab.evaluate('innerWidth')).toBe(width);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await tab.evaluate(overflowing)).toEqual([]);
  });

  test.each(['light', 'dark'] as const)(
    'every text has the contrast that WCAG 2.2 AA asks for, %s',
    async (scheme) => {
      const tab = await open({ scheme });
      // Relative luminance and contrast ratio as WCAG 2.2 defines them; 4.5 for text of usual size.
      const weak = `(() => {
      const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
      const light = ([r, g, b]) => [[r, 0.2126], [g, 0.7152], [b, 0.0722]].reduce((sum, [part, weight]) => {
        const value = part / 255;
        return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      }, 0);
      const ground = (one) => {
        for (let at = one; at; at = at.parentElement) {
          const colour = channels(getComputedStyle(at).backgroundColor);
          if (colour.length === 3) return colour;
        }
        return [255, 255, 255];
      };
      const ratio = (one) => {
        const [a, b] = [light(channels(getComputedStyle(one).color)), light(ground(one))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      };
      const texts = [...document.querySelectorAll('body *')].filter((one) => !one.closest('svg, script') &&
        [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''));
      return { texts: texts.length, weak: texts.filter((one) => ratio(one) < 4.5).map((one) => one.outerHTML),
        ground: light(ground(document.body)) };
    })()`;
      const seen = await tab.evaluate<{ texts: number; weak: string[]; ground: number }>(weak);
      expect(seen.weak).toEqual([]);
      expect(seen.texts).toBeGreaterThan(40);
      expect(seen.ground > 0.5).toBe(scheme === 'light');
    },
  );

  test('headings are in order, and cells have headings that say what they are for', async () => {
    const tab = await open();
    const levels = await tab.evaluate<number[]>(
      "[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))",
    );
    expect(levels.slice(0, 4)).toEqual([1, 2, 2, 3]);
    expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
    expect(await tab.evaluate("document.querySelectorAll('th:not([scope])').length")).toBe(0);
    expect(
      await tab.evaluate("[...document.querySelectorAll('tr')].every((row) => row.querySelector('th'))"),
    ).toBe(true);
    expect(await tab.evaluate("document.querySelector('svg title').textContent")).toBe(
      'World map of the mirrors',
    );
  });

  test('whoever goes through it by keyboard sees where he is', async () => {
    const tab = await open();
    const seen: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      await tab.press('Tab');
      const focus = `(({ tagName }, { outlineStyle, outlineWidth }) => [tagName, outlineStyle, outlineWidth].join(' '))(
        document.activeElement, getComputedStyle(document.activeElement))`;
      seen.push(await tab.evaluate<string>(focus));
    }
    expect(seen).toEqual(['A solid 3px', 'SUMMARY solid 3px', 'A solid 3px']);
  });

  test('new figures come by themselves, as the server itself writes them, and news of the list is told', async () => {
    const tab = await open();
    const figure = (name: string) =>
      tab.evaluate<string>(`document.querySelector('[data-live="${name}"]').textContent`);
    const before = Number(await figure('server requests'));
    await ask({ url: served.url, path: '/absent.git/HEAD' });
    // Coming back to the page has it look at once, as the tenth second does.
    const back = () => tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    const requests = async () => {
      await back();
      return Number(await figure('server requests'));
    };
    await expect.poll(requests, { timeout: 30_000, interval: 100 }).toBe(before + 1);
    const stale = `for (const part of document.querySelectorAll('[data-live]')) {
      (part.querySelector('title') ?? part).textContent = 'old';
      part.dataset.state = 'old';
    }`;
    await tab.evaluate(stale);
    const left = "document.querySelectorAll('[data-state=old]').length";
    await expect
      .poll(() => back().then(() => tab.evaluate(left)), { timeout: 30_000, interval: 100 })
      .toBe(0);
    const names = `[...document.querySelectorAll('[data-live]')]
      .map((one) => [(one.querySelector('title') ?? one).textContent, one.dataset.state])
      .filter(([text]) => !/ago$|^\\d+ (s|min)$|just now/.test(text))`;
    const [refreshed, anew] = [await tab.evaluate(names), await (await open()).evaluate(names)];
    expect(refreshed).toEqual(anew);
    await sandbox.git(['config', 'mirrorList.more.url', 'git://127.0.0.1:1/x'], {
      cwd: 'served/project.git',
    });
    const told = () =>
      back().then(() => tab.evaluate<string>('document.getElementById("freshness").innerText'));
    await expect
      .poll(told, { timeout: 30_000, interval: 100 })
      .toBe('Repositories or mirrors have changed. Reload to see them.');
    expect(tab.complaints).toEqual([]);
  });

  test('the copies of a cache are shown where they are served, with their state, at any width', async () => {
    const canonical = await gamServe(sandbox, 'served', ['--no-page']);
    const cache = await gamCache(sandbox, 'cache', [`${canonical.url}/`], ['--ttl=0']);
    const addresses = [
      `/127.0.0.1:${canonical.port}/${LONG}.git`,
      `/127.0.0.1:${canonical.port}/project.git`,
    ];
    const greet = () =>
      Promise.all(
        addresses.map((path) => ask({ url: cache.url, path: `${path}/info/refs?service=git-upload-pack` })),
      );
    await greet();
    const shown = `[...document.querySelectorAll('[aria-labelledby=copies] tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))`;
    const fresh = await (await browser.open(`${cache.url}/-/`)).evaluate<string[]>(shown);
    expect(fresh).toHaveLength(2);
    for (const [index, path] of addresses.entries())
      expect(fresh[index]).toMatch(new RegExp(`^${path} http:/${path} to be confirmed `));
    await canonical.stop();
    await greet();
    for (const width of [320, 768, 1280]) {
      const tab = await browser.open(`${cache.url}/-/`, { width, height: 800, script: width === 768 });
      expect(await tab.evaluate('document.querySelector("header p").innerText')).toBe('2 copies, 2 stale');
      for (const row of await tab.evaluate<string[]>(shown)) expect(row).toMatch(/stale \S.*connect/);
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await tab.evaluate(overflowing)).toEqual([]);
      expect(await tab.evaluate('document.querySelector("[aria-labelledby=mirrors]")')).toBeNull();
      expect(tab.complaints).toEqual([]);
    }
    await cache.stop();
  });

  test('before another server there is a page of its own, below /-/gam/', async () => {
    writeFileSync(
      sandbox.path('list.conf'),
      '[mirrorList]\n\tenabled\n[mirrorList "eu"]\n\turl = https://eu.example/\n',
    );
    const front = await gamServeUpstream(sandbox, served.url, [
      '--page',
      '--config',
      sandbox.path('list.conf'),
    ]);
    const tab = await browser.open(`${front.url}/-/gam/`);
    expect(await tab.evaluate<string[]>(rows)).toEqual([
      expect.stringMatching(/^eu https:\/\/eu\.example\/ .*not /),
    ]);
    await tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await expect.poll(() => tab.asked, { timeout: 30_000 }).toContain(`${front.url}/-/gam/status.json`);
    expect(await tab.evaluate('[...document.querySelectorAll("h2")].map((one) => one.innerText)')).toEqual([
      'Server',
      'Mirrors',
    ]);
    expect(tab.complaints).toEqual([]);
    await front.stop();
  });

  test('a page that nobody sees asks for nothing, and one whose server is gone says so', async () => {
    const own = await gamServe(sandbox, 'served');
    const tab = await browser.open(`${own.url}/-/`);
    const back = () => tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    const hide = (hidden: boolean) =>
      tab.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }) && null`,
      );
    const before = tab.asked.length;
    await hide(true);
    await back();
    // An answer to a request that was sent after it would have been.
    await tab.evaluate("fetch('metrics').then((answer) => answer.text())");
    expect(tab.asked.slice(before)).toEqual([`${own.url}/-/metrics`]);
    await hide(false);
    await own.stop();
    const told = () =>
      back().then(() => tab.evaluate<string>('document.getElementById("freshness").innerText'));
    await expect.poll(told, { timeout: 30_000 }).toBe('The server does not answer; the figures are old.');
  });
}
