import { startHttpServer } from '../../helpers/http-server.ts';
import { type Line, openLine } from '../../helpers/line.ts';
import type { Sandbox } from '../../helpers/sandbox.ts';
import type { Subject } from './subject.ts';

const MEGABIT = 1e6;
/** Milliseconds one way, and bits per second. */
const FAR = { latency: 50, rate: 20 * MEGABIT };
const NEAR = { latency: 2.5, rate: 400 * MEGABIT };
/** A plain clone shall not take much longer than this, or the demo would not end in time. */
const LONGEST_CLONE_S = 15;

/** One server of the demo, behind its line. */
export interface Place {
  url: string;
  line: Line;
  /** Milliseconds there and back, and bits per second. */
  roundTrip: number;
  rate: number;
}

/** The servers of the demo: canonical far away, mirrors near by, one of them dead. */
export interface Scene {
  canonical: Place;
  fresh: Place;
  stale: Place;
  dead: Place;
  close(): Promise<void>;
}

/** Lines that are faster in proportion where the repository is too large for the time there is. */
function rates(bytes: number): { far: number; near: number } {
  const needed = (bytes * 8) / LONGEST_CLONE_S;
  const factor = Math.max(1, Math.ceil((2 * needed) / FAR.rate) / 2);
  return { far: FAR.rate * factor, near: NEAR.rate * factor };
}

/** Serves the repositories, each by a server and a line of its own. */
export async function openScene(sandbox: Sandbox, subject: Subject): Promise<Scene> {
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closing.map((end) => end()));
  };
  const { far, near } = rates(subject.bytes);
  const open = async (repository: string, latency: number, rate: number, dead = false): Promise<Place> => {
    const server = await startHttpServer({
      root: sandbox.path('repositories'),
      env: sandbox.serverEnv,
      greetsAnew: true,
    });
    closing.push(() => server.close());
    const shape = { to: server.port, latency, upload: rate, download: rate };
    const line = await openLine(dead ? { ...shape, fault: { kind: 'refuse' } } : shape);
    closing.push(() => line.close());
    return { url: `http://127.0.0.1:${line.port}/${repository}`, line, roundTrip: 2 * latency, rate };
  };
  try {
    return {
      canonical: await open(subject.canonical, FAR.latency, far),
      fresh: await open(subject.canonical, NEAR.latency, near),
      stale: await open(subject.stale, NEAR.latency, near),
      dead: await open(subject.canonical, NEAR.latency, near, true),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
