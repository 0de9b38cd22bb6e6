import { createServer, type IncomingHttpHeaders, type RequestListener, request as send } from 'node:http';
import { connect } from 'node:net';
import { Connections, listen } from './listening.ts';

/** A request that a client wanted to send to some host, or a tunnel (`CONNECT`) that it wanted to have there. */
export interface Contact {
  method: string;
  /** With a port where one was named. */
  host: string;
  path: string;
  headers: IncomingHttpHeaders;
}

/** A world of host names, for clients that ask it as a proxy: nothing goes beyond, and who is asked for is known. */
export interface NamedHosts {
  /** Has git and curl ask it. */
  readonly env: Readonly<Record<string, string>>;
  /** All so far, or since somebody emptied it. */
  readonly contacts: Contact[];
  /** Who is at a host: a port of 127.0.0.1, or what answers; nobody at any other. */
  readonly hosts: Map<string, number | RequestListener>;
  close(): Promise<void>;
}

/** Starts a proxy (RFC 9110, section 3.7; RFC 9112, section 3.2.2) that knows these hosts, and no network. */
export async function startNamedHosts(): Promise<NamedHosts> {
  const hosts: NamedHosts['hosts'] = new Map();
  const contacts: Contact[] = [];
  const connections = new Connections();
  const server = createServer((request, response) => {
    const { headers, method = '', url = '' } = request;
    const [, host = '', path = ''] = /^http:\/\/([^/]*)(.*)$/.exec(url) ?? [];
    contacts.push({ method, host, path, headers });
    const found = hosts.get(host);
    if (typeof found === 'function') {
      request.url = path;
      return found(request, response);
    }
    if (found === undefined) return void response.writeHead(502).end();
    const onward = send({ port: found, host: '127.0.0.1', method, path, headers: { ...headers, host } });
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  });
  server.on('connection', (socket) => connections.add(socket));
  server.on('connect', ({ headers, url = '' }, socket, head) => {
    contacts.push({ method: 'CONNECT', host: url, path: '', headers });
    socket.on('error', () => undefined);
    const port = hosts.get(url);
    if (typeof port !== 'number') return void socket.end('HTTP/1.1 502 Nobody there\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 There\r\n\r\n');
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.once('error', () => socket.destroy());
    socket.once('close', () => onward.destroy());
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  return {
    env: { http_proxy: url, https_proxy: url, all_proxy: url, no_proxy: '' },
    contacts,
    hosts,
    close: () => connections.close(server),
  };
}
