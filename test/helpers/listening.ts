import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Listens on a free port of 127.0.0.1 and returns it. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Counts the bytes on all connections of a server, and ends them when it closes. */
export class Connections {
  private readonly open = new Set<Socket>();
  private goneIn = 0;
  private goneOut = 0;
  count = 0;

  add(socket: Socket): void {
    this.count += 1;
    this.open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.open.delete(socket);
      this.goneIn += socket.bytesRead;
      this.goneOut += socket.bytesWritten;
    });
  }

  get bytesIn(): number {
    return [...this.open].reduce((sum, socket) => sum + socket.bytesRead, this.goneIn);
  }

  get bytesOut(): number {
    return [...this.open].reduce((sum, socket) => sum + socket.bytesWritten, this.goneOut);
  }

  /** Cuts every connection that is open now. */
  cut(): void {
    for (const socket of this.open) socket.destroy();
  }

  /** Stops listening and cuts every connection. */
  async close(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    this.cut();
    await closed;
  }
}

/** A port of 127.0.0.1 on which nothing listens: it was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Connections().close(server);
  return port;
}
