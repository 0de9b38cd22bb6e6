import type { Readable, Writable } from 'node:stream';
import { startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { parseHelperCommand } from '../protocol/helper-lines.ts';
import { webHelper } from '../transport/web.ts';
import { type HelperContext, noteOption } from './context.ts';
import { readLine, write } from './flow.ts';
import { runUploadPack } from './upload-pack.ts';

/**
 * The conversation with git for canonical servers on the web: git's own helper leads it, with everything it
 * can do. Only where git opens an upload-pack in protocol v2 (`stateless-connect`) do mirrors come in.
 */
export async function converseByWebHelper(context: HelperContext, url: WebUrl): Promise<number> {
  const args = webHelper(context.remote ?? context.canonicalUrl, url);
  const { env } = context.process;
  if (context.mirrors.length === 0) {
    const { status } = await startProcess('git', args, { env, stdio: 'inherit' }).exit;
    return status ?? 128;
  }
  const { child, exit } = startProcess('git', args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const input = child.stdin as Writable;
  const output = child.stdout as Readable;
  input.on('error', () => undefined);
  const connected = await leadIn(context, input, output);
  if (connected) {
    const close = () => child.kill('SIGTERM');
    const canonical = { output, input, stateless: true, exit, stderr: null, close };
    return runUploadPack(context, canonical, null);
  }
  const git = context.process.streams();
  const up = (async () => {
    for await (const chunk of git.input) await write(input, chunk as Buffer);
    input.end();
  })().catch(() => undefined);
  for await (const chunk of output) await write(git.output, chunk as Buffer);
  void up;
  const { status } = await exit;
  return status ?? 128;
}

/**
 * Passes commands and answers on, until git has connected to an upload-pack (true) or does something that
 * mirrors have no part in (false).
 */
async function leadIn(context: HelperContext, input: Writable, output: Readable): Promise<boolean> {
  const { lines, reply } = context;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    const command = parseHelperCommand(line);
    await write(input, Buffer.from(`${line}\n`));
    if (command.kind === 'option') noteOption(context, command.name, command.value);
    if (command.kind === 'end' || command.kind === 'other') break;
    let answer = await readLine(output);
    while (command.kind === 'capabilities' && answer !== null && answer !== '') {
      reply(`${answer}\n`);
      answer = await readLine(output);
    }
    if (answer === null) break;
    reply(`${answer}\n`);
    if (command.kind === 'connect' && answer === '') {
      if (command.service === 'git-upload-pack') return true;
      break;
    }
  }
  await write(input, lines.rest);
  return false;
}
