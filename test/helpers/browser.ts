import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';
import { killGroup } from './child.ts';
import { installed, isProgram } from './installed.ts';

// A headless Chromium, spoken to over a pipe by its DevTools protocol (--remote-debugging-pipe): messages are JSON with
// a NUL behind each. What is used of it here needs no library.

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const ON_MACOS = ['Google Chrome', 'Chromium'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
);

/** Why tests that need a browser are skipped. */
export const NO_BROWSER =
  'no Chromium or Chrome on this machine: install Debian’s package chromium to have the page looked at';

/** Where the browser of this machine is; null where there is none. */
export function findBrowser(): string | null {
  return NAMES.map(installed).find((path) => path !== null) ?? ON_MACOS.find(isProgram) ?? null;
}

/** How a page is looked at. */
export interface View {
  width?: number;
  height?: number;
  scheme?: 'light' | 'dark';
  script?: boolean;
  headers?: Readonly<Record<string, string>>;
}

/** A page in a browser. */
export interface Tab {
  /** Whatever the console was told, and what the browser itself had to say of the page, such as a breach of its policy. */
  readonly complaints: string[];
  /** Every URL that was asked for. */
  readonly asked: string[];
  /** Evaluates an expression in the page; a promise is waited for. */
  evaluate<T>(expression: string): Promise<T>;
  /** Presses a key, such as `Tab`. */
  press(key: string): Promise<void>;
  /** The whole page as PNG. */
  screenshot(): Promise<Buffer>;
}

/** A browser; close() it in the end. */
export interface Browser {
  open(url: string, view?: View): Promise<Tab>;
  close(): Promise<void>;
}

type Message = Readonly<Record<string, unknown>>;

interface Sent {
  id?: number;
  method?: string;
  sessionId?: string;
  params?: Message;
  result?: Message;
  error?: { message: string };
}

class Wire {
  readonly #to: Writable;
  readonly #answers = new Map<number, (sent: Sent) => void>();
  readonly #listeners = new Set<(sent: Sent) => void>();
  #next = 1;

  constructor(to: Writable, from: Readable, gone: Promise<unknown>) {
    this.#to = to;
    let held = '';
    from.setEncoding('utf8').on('data', (text: string) => {
      const messages = (held + text).split('\0');
      held = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message) as Sent);
    });
    to.on('error', () => undefined);
    const lost = () => {
      for (const answer of this.#answers.values()) answer({ error: { message: 'the browser has ended' } });
    };
    gone.then(lost, lost);
  }

  listen(listener: (sent: Sent) => void): void {
    this.#listeners.add(listener);
  }

  async call(method: string, params: Message = {}, sessionId?: string): Promise<Message> {
    const id = this.#next;
    this.#next += 1;
    const answer = new Promise<Sent>((resolve) => void this.#answers.set(id, resolve));
    this.#to.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    const { error, result } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  #take(sent: Sent): void {
    if (sent.id === undefined) for (const listener of this.#listeners) listener(sent);
    else this.#answers.get(sent.id)?.(sent);
  }
}

const PREPARED = ['Page.enable', 'Runtime.enable', 'Log.enable', 'Network.enable'];

async function openTab(wire: Wire, url: string, view: View): Promise<Tab> {
  const { width = 1280, height = 900, scheme = 'light', script = true, headers = {} } = view;
  // In a context of its own, so that no login or cache of another tab counts.
  const { browserContextId } = await wire.call('Target.createBrowserContext');
  const { targetId } = await wire.call('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await wire.call('Target.attachToTarget', { targetId, flatten: true });
  const call = (method: string, params: Message = {}) => wire.call(method, params, sessionId as string);
  const complaints: string[] = [];
  const asked: string[] = [];
  let loaded: () => void = () => undefined;
  const whole = new Promise<void>((resolve) => {
    loaded = resolve;
  });
  wire.listen(({ method, params, sessionId: of }) => {
    if (of !== sessionId || params === undefined) return;
    if (method === 'Page.loadEventFired') loaded();
    if (method === 'Network.requestWillBeSent') asked.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded') complaints.push((params['entry'] as { text: string }).text);
    if (['Runtime.consoleAPICalled', 'Runtime.exceptionThrown'].includes(method ?? ''))
      complaints.push(JSON.stringify(params));
  });
  for (const method of PREPARED) await call(method);
  const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
  await call('Emulation.setDeviceMetricsOverride', metrics);
  await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  await call('Emulation.setScriptExecutionDisabled', { value: !script });
  await call('Network.setExtraHTTPHeaders', { headers });
  await call('Page.navigate', { url });
  await whole;
  return {
    complaints,
    asked,
    async evaluate<T>(expression: string): Promise<T> {
      const how = { expression, awaitPromise: true, returnByValue: true };
      const { exceptionDetails, result } = await call('Runtime.evaluate', how);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
    async press(key) {
      const named = { key, code: key, windowsVirtualKeyCode: key === 'Tab' ? 9 : 13 };
      for (const type of ['keyDown', 'keyUp']) await call('Input.dispatchKeyEvent', { type, ...named });
    },
    async screenshot() {
      const how = { format: 'png', captureBeyondViewport: true };
      const { cssContentSize } = await call('Page.getLayoutMetrics');
      const size = cssContentSize as { width: number; height: number };
      const clip = { x: 0, y: 0, width: size.width, height: Math.min(size.height, 4000), scale: 1 };
      const { data } = await call('Page.captureScreenshot', { ...how, clip });
      return Buffer.from(data as string, 'base64');
    },
  };
}

/** Starts a browser with nothing of the user's in it. Whatever it asks of others than this machine gets no address. */
export function startBrowser(program: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'gam-browser-'));
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--hide-scrollbars',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
  ];
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  const [, , , to, from] = child.stdio;
  const wire = new Wire(to as Duplex, from as Duplex, ended);
  return {
    open: (url, view = {}) => openTab(wire, url, view),
    async close() {
      const late = setTimeout(() => killGroup(child.pid, 'SIGKILL'), 10_000);
      await wire.call('Browser.close').catch(() => undefined);
      await ended.catch(() => undefined);
      clearTimeout(late);
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
