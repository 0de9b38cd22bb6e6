import { connect, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Fault } from './line-fault.ts';
import { carry } from './line-lane.ts';
import { LineSchedule } from './line-schedule.ts';
import { Connections, listen } from './listening.ts';

/** A line in front of a port of 127.0.0.1. */
export interface LineOptions {
  /** The port behind the line. */
  to: number;
  /** Milliseconds one way; a round trip takes twice as long. */
  latency?: number;
  /** Bits per second from the client to the server. */
  upload?: number;
  /** Bits per second from the server to the client. */
  download?: number;
  /** What goes wrong, on every connection or by the connection's number (from 1). */
  fault?: Fault | ((connection: number) => Fault | null);
}

/** A shaped line; connect to its port instead of the server's. */
export interface Line {
  readonly port: number;
  /** Connections since the start. */
  readonly connections: number;
  /** Bytes that arrived at the server, and at the client. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Sets what goes wrong on connections from now on; `refuse` can only be set from the start. */
  setFault(fault: LineOptions['fault'] | null): void;
  /** Cuts every connection that is open now. */
  cut(): void;
  /** Resolves when so many bytes in all have arrived at clients. */
  reached(bytesDown: number): Promise<void>;
  close(): Promise<void>;
}

class Meter {
  bytes = 0;
  private waiting: { bytes: number; resolve: () => void }[] = [];

  readonly add = (bytes: number) => {
    this.bytes += bytes;
    for (const one of this.waiting) if (this.bytes >= one.bytes) one.resolve();
    this.waiting = this.waiting.filter((one) => this.bytes < one.bytes);
  };

  reached(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ bytes, resolve });
      this.add(0);
    });
  }
}

const now = () => performance.now();

/**
 * Opens a line to a port: everything through it has its latency and shares its rates. Connecting costs the
 * round trip that it costs on a real line, although the proxy itself accepts at once.
 */
export async function openLine(options: LineOptions): Promise<Line> {
  const { to, latency = 0, upload = Infinity, download = Infinity } = options;
  const connections = new Connections();
  const [up, down] = [new Meter(), new Meter()];
  const towardsServer = new LineSchedule({ latency, bitsPerSecond: upload });
  const towardsClient = new LineSchedule({ latency, bitsPerSecond: download });
  let fault = options.fault ?? null;

  function accept(client: Socket): void {
    connections.add(client);
    const mine = typeof fault === 'function' ? fault(connections.count) : fault;
    if (mine?.kind === 'reset' && mine.after === undefined) {
      client.resetAndDestroy();
      return;
    }
    // A silent server takes everything and never answers: the bytes must not pile up unread here.
    if (mine?.kind === 'stall' && mine.after === undefined) {
      client.resume();
      return;
    }
    const server = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    server.once('error', () => client.resetAndDestroy());
    client.once('close', () => server.destroy());
    const slow =
      mine?.kind === 'drip' ? new LineSchedule({ latency, bitsPerSecond: 8000 / mine.every }) : null;
    // SYN and SYN-ACK take a round trip; a server that speaks first waits for the ACK as well.
    const opened = now();
    const common = { now, fault: null };
    carry(client, server, {
      ...common,
      schedule: towardsServer,
      opensAt: opened + 2 * latency,
      arrived: up.add,
    });
    carry(server, client, {
      ...common,
      schedule: slow ?? towardsClient,
      opensAt: opened + 3 * latency,
      arrived: down.add,
      fault: mine,
    });
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, accept);
  const port = await listen(server);
  const close = () => connections.close(server);
  if (fault !== null && typeof fault !== 'function' && fault.kind === 'refuse') await close();
  return {
    port,
    get connections() {
      return connections.count;
    },
    get bytesUp() {
      return up.bytes;
    },
    get bytesDown() {
      return down.bytes;
    },
    setFault(next) {
      fault = next ?? null;
    },
    cut: () => connections.cut(),
    reached: (bytes) => down.reached(bytes),
    close,
  };
}
