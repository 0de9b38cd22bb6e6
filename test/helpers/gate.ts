import { connect, createServer, type Socket } from 'node:net';
import { Connections, listen } from './listening.ts';

/** A port in front of another that hangs up when it is told, as servers do with a client that is idle. */
export interface Gate {
  readonly port: number;
  /** Connections since the start. */
  readonly connections: number;
  /** Ends every connection that is open now, with a FIN or with a RST. */
  hangUp(how: 'end' | 'reset'): void;
  close(): Promise<void>;
}

/** Opens a gate to a port of 127.0.0.1. */
export async function openGate(to: number): Promise<Gate> {
  const connections = new Connections();
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections.add(client);
    open.add(client);
    const inner = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    inner.on('error', () => client.destroy());
    client.once('close', () => {
      open.delete(client);
      inner.destroy();
    });
    client.pipe(inner).pipe(client);
  });
  const port = await listen(server);
  return {
    port,
    get connections() {
      return connections.count;
    },
    hangUp(how) {
      for (const client of open) {
        if (how === 'end') client.end();
        else client.resetAndDestroy();
      }
    },
    close: () => connections.close(server),
  };
}
