import type { Readable, Writable } from 'node:stream';
import { type Exit, endProcess, startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { parseHelperCommand } from '../protocol/helper-lines.ts';
import { startWebHelper, type WebHelper, webHelper } from '../transport/web.ts';
import { withoutCanonical } from './canonical-down.ts';
import { type HelperContext, noteOption } from './context.ts';
import { readLine, write } from './flow.ts';
import { beginHeadStart, type HeadStart } from './head-start.ts';
import { keptLine, keptStatus, splitPushBatch } from './push-filter.ts';
import { runUploadPack } from './upload-pack.ts';

/**
 * The conversation with git for canonical servers on the web: git's own helper leads it, with everything it
 * can do. Only where git opens an upload-pack in protocol v2 (`stateless-connect`) do mirrors come in.
 *
 * @param guess a web helper that was started before all was known; used when it is the right one, else ended
 */
export async function converseByWebHelper(
  context: HelperContext,
  url: WebUrl,
  guess: WebHelper | null,
): Promise<number> {
  const { env } = context.process;
  const words = webHelper(context.remote ?? context.canonicalUrl, url, env);
  const [command, ...args] = words;
  const direct = context.mirrors.length === 0 && !context.staged;
  const guessed = !direct && guess?.words.join('\0') === words.join('\0');
  if (guess && !guessed) endProcess(guess.child);
  if (direct) {
    const { status } = await startProcess(command, args, { env, stdio: 'inherit' }).exit;
    return status ?? 128;
  }
  const { child, exit } = guess && guessed ? guess : startWebHelper(words, env);
  const input = child.stdin as Writable;
  const output = child.stdout as Readable;
  const headStart = await leadIn(context, input, output, exit);
  if (headStart) {
    const close = () => child.kill('SIGTERM');
    const canonical = { output, input, stateless: true, exit, stderr: null, close };
    try {
      return await runUploadPack(context, canonical, null, headStart);
    } finally {
      await headStart.abandon();
    }
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
 * Passes commands and answers on, until git has connected to an upload-pack, and mirrors have been given a
 * head start, or until it does something that they have no part in (null).
 */
async function leadIn(
  context: HelperContext,
  input: Writable,
  output: Readable,
  exit: Promise<Exit>,
): Promise<HeadStart | null> {
  const { lines, reply } = context;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    if (line.startsWith('push ')) {
      if (!(await passPushBatch(context, line, input, output))) break;
      continue;
    }
    const command = parseHelperCommand(line);
    await write(input, Buffer.from(`${line}\n`));
    if (command.kind === 'option') noteOption(context, command.name, command.value);
    if (command.kind === 'connect' && command.service === 'git-upload-pack') {
      const { answer, headStart } = await passConnect(context, output, exit);
      if (headStart) return headStart;
      if (answer === null) break;
      continue;
    }
    const many = command.kind === 'capabilities' || line.startsWith('list');
    if (command.kind === 'end' || (command.kind === 'other' && !many)) break;
    const answer = many ? await passLines(context, output) : await readLine(output);
    if (answer === null) break;
    reply(`${answer}\n`);
    if (command.kind === 'connect' && answer === '') break;
  }
  await write(input, lines.rest);
  return null;
}

/** Passes the answer to a `stateless-connect` on; mirrors are at work when it is a yes. */
async function passConnect(
  context: HelperContext,
  output: Readable,
  exit: Promise<Exit>,
): Promise<{ answer: string | null; headStart: HeadStart | null }> {
  context.asked = performance.now();
  const headStart = beginHeadStart(context);
  let answer: string | null = null;
  try {
    answer = await readLine(output);
    if (answer === '') context.reply('\n');
    // git's helper has died, and has said why.
    if (answer === null) await withoutCanonical(context, headStart, exit);
  } finally {
    if (answer !== '') await headStart.abandon();
  }
  if (answer) context.reply(`${answer}\n`);
  return { answer, headStart: answer === '' ? headStart : null };
}

/** Passes lines of an answer on up to the blank one that ends it, which is returned; null when it breaks off. */
async function passLines({ reply }: HelperContext, output: Readable): Promise<string | null> {
  const lines: string[] = [];
  for (;;) {
    const line = await readLine(output);
    if (line === null || line === '') {
      reply(lines.map((passed) => `${passed}\n`).join(''));
      return line;
    }
    lines.push(line);
  }
}

/** Passes a batch of `push` lines on, less what must stay here; false when the helper hung up. */
async function passPushBatch(
  context: HelperContext,
  first: string,
  input: Writable,
  output: Readable,
): Promise<boolean> {
  const batch = [first];
  for (let line = context.lines.next(); line !== null && line !== ''; line = context.lines.next())
    batch.push(line);
  const { lines, kept } = splitPushBatch(batch);
  if (kept.length > 0) context.report.line(keptLine(kept.length));
  let end: string | null = '';
  if (lines.length > 0) {
    await write(input, Buffer.from(`${lines.join('\n')}\n\n`));
    end = await passLines(context, output);
  }
  if (end === null) return false;
  context.reply(`${kept.map(keptStatus).join('')}\n`);
  return true;
}
