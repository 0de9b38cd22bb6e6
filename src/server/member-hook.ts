import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from './exchange.ts';
import type { Patience } from './patience.ts';

/** A secret that a forge was given, and what its word is good for. */
export interface HookKey {
  /** The hosted member. */
  id: string;
  secret: string;
}

/** What a server does for forges that call it when somebody has pushed to them. */
export interface MemberHooks {
  /** The secrets of a repository's hosted members; none where it is in no group. */
  keysOf(gitDir: string): Promise<HookKey[]>;
  /** Has the repository's worker look at a member. */
  wake(gitDir: string, id: string): Promise<void>;
}

/** A longer body is no forge's: GitHub sends at most 25 MB ("Webhook events and payloads", payload cap). It is not kept, only hashed. */
const LONGEST_BODY = 25 * 2 ** 20;

/** So many calls a minute from one address are looked into, and so many addresses are known at a time. */
const MOST_CALLS = 60;
const MOST_CLIENTS = 10_000;
const MINUTE_MS = 60_000;

/** How a forge proves itself. */
export interface HookProof {
  kind: 'hmac' | 'token';
  /** Hex digits of an HMAC, or the secret itself. */
  value: string;
}

/**
 * The proof in a call's headers: `X-Hub-Signature-256`, `sha256=` and hex digits (GitHub, "Validating webhook deliveries"; Gitea and Forgejo
 * send it, too); `X-Gitea-Signature`, hex digits (Gitea, "Webhooks"); both HMAC-SHA256 of the body. GitLab sends the secret itself, as
 * `X-Gitlab-Token` (GitLab, "Webhooks", secret token).
 * @returns null where there is none
 */
export function hookProof(headers: IncomingHttpHeaders): HookProof | null {
  const text = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const [, hub] = /^sha256=([0-9a-f]{64})$/i.exec(text('x-hub-signature-256')) ?? [];
  if (hub !== undefined) return { kind: 'hmac', value: hub.toLowerCase() };
  const gitea = text('x-gitea-signature');
  if (/^[0-9a-f]{64}$/i.test(gitea)) return { kind: 'hmac', value: gitea.toLowerCase() };
  const token = text('x-gitlab-token');
  return token === '' ? null : { kind: 'token', value: token };
}

// Of equal length, whatever is compared: how long it takes says nothing of a secret.
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'gam').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Answers calls of forges, and tells them nothing: 202 for a proof that holds, 403 for anything else. */
export class MemberHook {
  readonly #hooks: MemberHooks;
  readonly #patience: Patience;
  #minute = 0;
  readonly #calls = new Map<string, number>();

  constructor(hooks: MemberHooks, patience: Patience) {
    this.#hooks = hooks;
    this.#patience = patience;
  }

  /** @param find the repository that is called; null where there is none */
  async answer(exchange: Exchange, find: () => Promise<string | null>): Promise<void> {
    if (!this.#isInBounds(exchange.client ?? ''))
      return exchange.refuse(429, 'too many calls', null, { 'Retry-After': '60' });
    const proof = hookProof(exchange.request.headers);
    if (proof === null) return exchange.refuse(403, 'no signature that is known');
    const gitDir = await find();
    const keys = gitDir === null ? [] : await this.#hooks.keysOf(gitDir);
    const key = await this.#keyOf(exchange, proof, keys);
    if (key === 'too long') return exchange.refuse(413, 'a body that no forge sends');
    if (key === null || gitDir === null)
      return exchange.refuse(403, 'a wrong signature, or no hosted member');
    await this.#hooks.wake(gitDir, key.id);
    exchange.say(202, '');
  }

  async #keyOf(
    exchange: Exchange,
    { kind, value }: HookProof,
    keys: readonly HookKey[],
  ): Promise<HookKey | null | 'too long'> {
    if (kind === 'token') return keys.find(({ secret }) => isSame(secret, value)) ?? null;
    const hashes = keys.map((key) => ({ key, hash: createHmac('sha256', key.secret) }));
    // As long as a push's body may be silent, and not for ever in all.
    const limit = setTimeout(() => exchange.request.destroy(), this.#patience.body);
    try {
      exchange.goOn();
      for (let next = await exchange.body.next(); next.done !== true; next = await exchange.body.next()) {
        exchange.bytesIn += next.value.length;
        if (exchange.bytesIn > LONGEST_BODY) return 'too long';
        for (const { hash } of hashes) hash.update(next.value);
      }
    } finally {
      clearTimeout(limit);
    }
    return hashes.find(({ hash }) => isSame(hash.digest('hex'), value))?.key ?? null;
  }

  #isInBounds(client: string): boolean {
    const minute = Math.floor(performance.now() / MINUTE_MS);
    if (minute !== this.#minute) this.#calls.clear();
    this.#minute = minute;
    const calls = (this.#calls.get(client) ?? 0) + 1;
    if (calls > MOST_CALLS || (calls === 1 && this.#calls.size >= MOST_CLIENTS)) return false;
    this.#calls.set(client, calls);
    return true;
  }
}
