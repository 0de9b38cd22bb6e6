import { GamError } from '../errors.ts';
import { startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { webLine } from '../transport/canonical-line.ts';
import type { Connection } from '../transport/connection.ts';
import { startWebHelper, type WebHelper, webHelper } from '../transport/web.ts';
import { beginLazyRoute } from './begin-route.ts';
import type { HelperContext } from './context.ts';
import { readLine, write } from './flow.ts';
import { runUploadPack } from './upload-pack.ts';
import { passCommands } from './web-commands.ts';

/**
 * The conversation with git for canonical servers on the web: git's own helper leads it, with everything it
 * can do. Only where git opens an upload-pack in protocol v2 (`stateless-connect`) do mirrors come in.
 *
 * @throws GamError `bad-config` when the launcher has begun to talk to another one
 */
export async function converseByWebHelper(context: HelperContext, url: WebUrl): Promise<number> {
  const { env, guess, leadIn, interrupt } = context.process;
  const words = webHelper(context.remote ?? context.canonicalUrl, url, env);
  const [command, ...args] = words;
  const isRight = (started: { words: readonly string[] } | null) =>
    started?.words.join('\0') === words.join('\0');
  if (leadIn !== null && !isRight(leadIn)) {
    leadIn.end();
    throw movedOn(context.canonicalUrl);
  }
  const direct = context.mirrors.length === 0 && !context.mayList && !context.staged && leadIn === null;
  // It was started before all was known.
  const guessed = !direct && isRight(guess);
  if (guess && !guessed) guess.end();
  if (direct) {
    const { status } = await startProcess(command, args, { env, stdio: 'inherit' }).exit;
    return status ?? 128;
  }
  context.ahead = beginLazyRoute(context);
  const { web, said } = leadIn?.take() ?? {
    web: guess && guessed ? guess : startWebHelper(words, env),
    said: null,
  };
  const { input, output, exit } = web;
  endWith(web, interrupt.signal);
  const connected = await passCommands(context, web, said);
  if (connected) {
    const { canonical, headStart } = connected;
    try {
      return await runUploadPack(context, canonical, () => connectAnew(words, context), headStart);
    } finally {
      await headStart.abandon();
      await context.ahead?.abandon();
    }
  }
  await context.ahead?.abandon();
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

function endWith(web: WebHelper, signal: AbortSignal): void {
  signal.addEventListener('abort', () => web.end());
  if (signal.aborted) web.end();
}

// Another web helper in the place of one that broke; git has had what it was told first.
async function connectAnew(
  words: readonly [string, ...string[]],
  { process: { env, interrupt }, canonicalUrl }: HelperContext,
): Promise<Connection> {
  interrupt.signal.throwIfAborted();
  const web = startWebHelper(words, env);
  endWith(web, interrupt.signal);
  await write(web.input, Buffer.from('stateless-connect git-upload-pack\n'));
  if ((await readLine(web.output)) === '') return webLine(web);
  web.end();
  const url = redactUrl(canonicalUrl);
  throw new GamError('canonical-failed', `${url} broke off, and cannot be reached again`, { url });
}

// The launcher and this program have read different configurations: somebody was just changing it.
function movedOn(canonicalUrl: string): GamError {
  const message = `the configuration changed while git was starting; canonical is now ${redactUrl(canonicalUrl)}`;
  return new GamError('bad-config', message, { suggestion: 'run the command again' });
}
