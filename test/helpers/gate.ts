import { connect, createServer, type Socket } from 'node:net';
import { Connections, listen } from './listening.ts';

/** A port in front of another that hangs up when it is told, as servers do with a client that is idle. */
export interface Gate {
  readonly port: number;
  /** Connections since the start. */
  readonly connections: number;
  /** Ends every connection that is open now, with a FIN or with a RST. */
  hangUp(how: 'end' | 'reset'): void;
  /** Lets nothing pass any more, or no answers, and says nothing of it; new connections are taken. */
  shut(what: 'both' | 'answers'): void;
  /** Lets all pass again, with what has come meanwhile. */
  reopen(): void;
  close(): Promise<void>;
}

/** Opens a gate to a port of 127.0.0.1. */
export async function openGate(to: number): Promise<Gate> {
  const connections = new Connections();
  const open = new Map<Socket, Socket>();
  let shut: 'both' | 'answers' | null = null;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections.add(client);
    const inner = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    open.set(client, inner);
    inner.on('error', () => client.destroy());
    client.once('close', () => {
      open.delete(client);
      inner.destroy();
    });
    if (shut !== 'both') client.pipe(inner);
    if (shut === null) inner.pipe(client);
  });
  const port = await listen(server);
  return {
    port,
    get connections() {
      return connections.count;
    },
    hangUp(how) {
      for (const client of open.keys()) {
        if (how === 'end') client.end();
        else client.resetAndDestroy();
      }
    },
    shut(what) {
      shut = what;
      for (const [client, inner] of open) {
        inner.unpipe(client);
        if (what === 'both') client.unpipe(inner);
      }
    },
    reopen() {
      for (const [client, inner] of open) {
        inner.pipe(client);
        if (shut === 'both') client.pipe(inner);
      }
      shut = null;
    },
    close: () => connections.close(server),
  };
}
