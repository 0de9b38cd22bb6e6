import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { parseDuration, parseSize } from '../src/config/quantity.ts';
import { GamError } from '../src/errors.ts';
import { GamCommand } from '../src/main/command.ts';
import { memberProgram } from '../src/main/member-program.ts';
import { untilStopped } from '../src/main/serve-here.ts';
import { servedGroups } from '../src/main/served-groups.ts';
import { VERSION } from '../src/main/version.ts';
import { readCacheBase } from '../src/mirror/cache-base.ts';
import type { CacheOptions } from '../src/server/cache.ts';
import { DEFAULT_ADDRESS, parseListenAddress } from '../src/server/listen-address.ts';

/** So many requests have git at work at a time, unless told otherwise. */
const MAX_CHILDREN = 64;

/** For so many milliseconds canonical is not asked again, unless told otherwise. */
const TTL = 60_000;

/** What the flags of a cache say. */
interface CacheFlags {
  for?: string[] | undefined;
  ttl?: string | undefined;
  'cache-size'?: string | undefined;
}

/** Flags that mean nothing without another one, and what to do about it. */
const COMPANIONS = [
  ['cache', 'for', 'name a URL under which its repositories are: --for https://github.com/'],
  ['for', 'cache', 'name a folder for the copies: --cache <dir>'],
  ['ttl', 'cache', 'it is for how long copies are young: --cache <dir>'],
  ['cache-size', 'cache', 'it is how much copies may take: --cache <dir>'],
  ['config', 'upstream', 'name the server whose mirrors are told: --upstream <url>'],
  ['tls-cert', 'tls-key', 'name the key of that certificate'],
  ['tls-key', 'tls-cert', 'name the certificate of that key'],
] as const;

/** @throws GamError `usage` where a flag lacks another one, or two make two servers */
function judgeTogether(flags: Readonly<Record<string, unknown>>): void {
  for (const [one, other, suggestion] of COMPANIONS)
    if (flags[one] !== undefined && flags[other] === undefined)
      throw new GamError('usage', `--${one} needs --${other}`, { suggestion });
  if (flags['upstream'] !== undefined && flags['cache'] !== undefined)
    throw new GamError('usage', '--upstream and --cache are two servers', {
      suggestion: 'start a gam serve for each',
    });
}

function needed<T>(value: T | undefined, flag: string, suggestion: string): T {
  if (value !== undefined) return value;
  throw new GamError('usage', `the value of --${flag} cannot be read`, { suggestion });
}

function cacheOf(folder: string, flags: CacheFlags, root: string | undefined): CacheOptions {
  const { for: bases = [], ttl, 'cache-size': size } = flags;
  if (root !== undefined)
    throw new GamError('usage', 'a folder with repositories, and a cache', {
      suggestion: 'serve these by a gam serve each',
    });
  if (folder === '') throw new GamError('usage', 'the folder of the cache is empty');
  return {
    folder,
    bases: bases.map(readCacheBase),
    ttl: ttl === undefined ? TTL : needed(parseDuration(ttl), 'ttl', 'write 90s or 5m'),
    size: size === undefined ? Infinity : needed(parseSize(size), 'cache-size', 'write 500m or 200g'),
  };
}

export default class Serve extends GamCommand {
  static override summary = 'Serve the repositories of a folder over http, or be a cache of those of others.';
  static override description = [
    'Every repository under the root, bare or with a work tree, at the URL of its path: ' +
      '/x is x, x/.git or x.git. The root was named for that, so no file has to say that a ' +
      'repository may be exported. Nothing outside of it is served, also not by symbolic links.',
    "The answers are those of git's own http-backend: smart http of protocol v0, v1 and v2, dumb " +
      'http, shallow and partial clones. Configuration of each repository counts: ' +
      'http.uploadpack, http.receivepack, http.getanyfile, uploadpack.*, receive.*.',
    'Pushes are refused unless http.receivepack is true in the repository, or the user has logged ' +
      'in (--htpasswd).',
    'With --cache, it is one mirror for everything under some URLs (--for): https://host/x is answered for at ' +
      '/host/x. A repository is fetched when somebody first asks for it, once for all who wait, and asked for again when ' +
      'it is older than --ttl. Where canonical does not answer, what is here is served; where it answers 401, 403 or ' +
      '404, nothing is. Only fetches are served. Nothing of a client is sent to canonical: the git configuration of this ' +
      'server and its credential helpers count, and what they open is open to everybody who may ask this ' +
      'server. Clients name it by: git config --global ' +
      'mirror.https://github.com/.url http://<cache>:9419/github.com/',
    'Once it is ready, the first line on standard output is "listening on <url>". Standard error ' +
      'gets a line for each request, in the common log format with some words more; with -q, none.',
    'Where the configuration of a repository says mirrorList.enabled, its mirrors are told to clients ' +
      'of protocol v2 that ask (see gam upload-pack --help), and as JSON at /<repository>/info/mirrors. ' +
      'By geoip, the nearest to the client come first; behind a proxy, --trusted-proxy has that ' +
      'tell who the client is.',
    'An ordinary clone is served as what it is a clone of, too, at /<clone>/-/remotes/<remote>: the branches that it has of ' +
      'that remote under their own names, and nothing of its own but tags. Clients that know the canonical URL only ask the ' +
      'server where it has that (gam mirrors add http://<this host>:<port>/), by url= in protocol v2 or at ' +
      '/info/mirrors?url=<url>, and are told else which URLs are carried. --no-carry turns that off.',
    'With a browser, /-/ shows what the server does, the mirrors that its repositories list, on a map ' +
      'and in tables, and how fresh each is, or which copies a cache has; /-/status.json has the same. A mirror is ' +
      'asked for its refs, without any login, at most every ten minutes, and only while somebody looks, or with ' +
      '--check-mirrors. Whoever may fetch sees the page, and thus the names of repositories: ' +
      "--no-page turns it off. With --upstream, everything under /-/ but health and metrics is that server's own; with " +
      '--page there is one at /-/gam/, which names no repository.',
    'Of repositories that are members of a group (gam replica), the page shows members, lag, queues, locks and coordinator, and ' +
      '/-/metrics has them as gam_replica_*, labelled by repository, group and member. Members are asked while somebody looks, every 15 ' +
      'seconds at most, with what this server has for that; with --no-page neither is there.',
    'With --upstream, everything is passed on to another git server as it is, and the same list is told ' +
      'for all its repositories: mirrorList.* of the configuration of git (system, user) or of --config. ' +
      'There, each mirrorList.<id>.url and mirrorList.canonical is a base, to which the path of the ' +
      'repository is appended.',
    'Where a repository is in a group (gam replica), a forge that is a hosted member of it may call /<repository>/-/replica/hook when somebody has ' +
      'pushed there, and is looked at at once; see gam replica host --help. It needs no login, but a signature.',
    '/-/health answers 200 (503 while stopping), /-/metrics in the text format of Prometheus.',
    'SIGTERM or Ctrl-C: nobody comes in any more, running requests have 8 seconds; a second ' +
      'signal ends them. Status 0 for SIGTERM, 130 for Ctrl-C.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> serve /srv/git',
    '<%= config.bin %> serve --listen 0.0.0.0:8080 /srv/git',
    {
      description: 'Your clones, as mirrors for those around you:',
      command: '<%= config.bin %> serve --listen 0.0.0.0:8080 ~/src',
    },
    '<%= config.bin %> serve --upstream https://git.example/ --config mirrors.conf',
    '<%= config.bin %> serve --trusted-proxy 10.0.0.0/8 --listen 10.0.0.2:8080 /srv/git',
    '<%= config.bin %> serve --cache /srv/cache --for https://github.com/ --for https://gitlab.com/group/',
    '<%= config.bin %> serve --cache=/srv/cache --for=https://github.com/ --cache-size=200g --ttl=5m',
    '<%= config.bin %> serve --check-mirrors /srv/git',
    '<%= config.bin %> serve --tls-cert=host.crt --tls-key=host.key --htpasswd=logins',
  ];
  static override args = {
    root: Args.string({ description: 'The folder with the repositories; else the current one.' }),
  };
  static override flags = {
    listen: Flags.string({
      summary: 'Where to listen; port 0 is any that is free.',
      helpValue: '<host:port>',
      default: DEFAULT_ADDRESS,
    }),
    'tls-cert': Flags.string({
      summary: 'Speak https, with the certificate in this file (PEM).',
      helpValue: '<file>',
    }),
    'tls-key': Flags.string({
      summary: 'The key of that certificate (PEM).',
      helpValue: '<file>',
    }),
    htpasswd: Flags.string({
      summary: 'Let in only users of this file (bcrypt, apr1, SHA).',
      helpValue: '<file>',
    }),
    upstream: Flags.string({
      summary: 'Serve no folder, but pass all on to this git server, and tell its mirrors.',
      helpValue: '<url>',
    }),
    config: Flags.string({
      summary: 'The git configuration with the mirrors of that server.',
      helpValue: '<file>',
    }),
    'trusted-proxy': Flags.string({
      summary: 'Believe what this proxy says of its client (X-Forwarded-For).',
      helpValue: '<address or range>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    cache: Flags.string({
      summary: 'Keep copies of the repositories of others in this folder, and serve these.',
      helpValue: '<dir>',
    }),
    for: Flags.string({
      summary: 'A URL (http, https) under which all repositories are; several may be given.',
      helpValue: '<base>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ttl: Flags.string({
      summary: 'For how long a copy is served without a look at canonical (ms, s, m).',
      description: 'Without it: 60s.',
      helpValue: '<time>',
    }),
    'cache-size': Flags.string({
      summary: 'The most that all copies may take (k, m, g); the least recently used go.',
      description: 'Without it: as much as there is.',
      helpValue: '<size>',
    }),
    page: Flags.boolean({
      summary: 'Show the page at /-/; with --upstream at /-/gam/, and only if told.',
      allowNo: true,
    }),
    carry: Flags.boolean({
      summary: 'Serve clones as what they are clones of, too, and tell clients of which.',
      default: true,
      allowNo: true,
    }),
    'check-mirrors': Flags.boolean({
      summary: 'Look at mirrors every ten minutes, also while nobody looks at the page.',
    }),
    'max-children': Flags.integer({
      summary: 'Have git at work on so many requests at a time; others wait.',
      helpValue: '<n>',
      default: MAX_CHILDREN,
      min: 1,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Serve);
    judgeTogether(flags);
    const { 'tls-cert': cert, 'tls-key': key } = flags;
    const listen = parseListenAddress(flags.listen);
    const { upstream } = flags;
    if (args.root !== undefined && upstream !== undefined)
      throw new GamError('usage', 'a root and --upstream are two servers', {
        suggestion: 'give one of them: gam serve <root>, or gam serve --upstream <url>',
      });
    const root =
      flags.cache === undefined ? (args.root ?? this.where.cwd) : cacheOf(flags.cache, flags, args.root);
    if (root === '') throw new GamError('usage', 'the root is empty');
    const hasPage = flags.page ?? upstream === undefined;
    if (flags['check-mirrors'] && !(hasPage && upstream === undefined && flags.cache === undefined))
      throw new GamError('usage', '--check-mirrors is for the page, and for mirrors that repositories list', {
        suggestion: 'leave it out with --no-page, --upstream and --cache',
      });
    // Whoever read the log is gone; clients are not.
    process.stderr.on('error', () => undefined);
    // No other command needs any of it.
    const { serve } = await import('../src/server/serve.ts');
    const { memberHooks } = await import('../src/main/member-hooks.ts');
    const server = await serve({
      root,
      upstream:
        upstream === undefined
          ? undefined
          : { url: upstream, config: flags.config && resolve(this.where.cwd, flags.config) },
      listen,
      env: this.env,
      maxChildren: flags['max-children'],
      tls: cert === undefined || key === undefined ? undefined : { cert, key },
      htpasswd: flags.htpasswd,
      trustedProxies: flags['trusted-proxy'],
      page: hasPage ? { version: VERSION, checkMirrors: flags['check-mirrors'] } : undefined,
      groups: servedGroups(this.env),
      carry: flags.carry,
      memberHooks: memberHooks(this.env, memberProgram()),
      warn: (line) => this.remark(line),
      log: flags.quiet ? () => undefined : (line) => process.stderr.write(`${line}\n`),
    });
    // Whoever reads that line may tell it to stop at once.
    const stopped = untilStopped(server, flags.quiet ? () => undefined : (line) => this.remark(line));
    this.say(`listening on ${server.url}`);
    this.exit(await stopped);
  }
}
