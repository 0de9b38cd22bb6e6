import { getRemoteInfo2, listServerRefs } from 'isomorphic-git';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import type { MirrorContact } from './mirror-line.ts';
import { PREPARATION, type Probe, SAMPLE, Sampler, sampleRequest, sampleTip } from './probe.ts';
import { broken, WebLook, warm } from './web-look.ts';
import { askStale } from './web-stale.ts';

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function advertised(capabilities: Readonly<Record<string, string | true>>): Map<string, string | null> {
  return new Map(Object.entries(capabilities).map(([name, value]) => [name, value === true ? null : value]));
}

async function sampled(look: WebLook, url: string, body: Buffer): Promise<Probe['sample']> {
  const answer = await look.request(
    `${url}/git-upload-pack`,
    'POST',
    {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
    },
    body,
  );
  const decoder = new PacketDecoder();
  const sampler = new Sampler();
  for await (const chunk of look.chunks(answer)) {
    for (const packet of decoder.push(Buffer.from(chunk))) if (sampler.take(packet)) return sampler.result;
  }
  return sampler.result;
}

/**
 * Looks at an http(s) mirror without starting git: info/refs and ls-refs by isomorphic-git, over undici. No credential
 * is sent, nothing is followed, and time and size are bounded.
 * @param inTurn as for probeLine()
 * @returns null where only git can tell: a login is asked for, or a certificate is not known here
 * @throws GamError with `tryElsewhere`, and the reason in a few words
 */
export async function probeWeb(
  { url }: WebUrl,
  contact: MirrorContact,
  inTurn: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<Probe | null> {
  await warm();
  const look = new WebLook(contact);
  const { connectTimeout } = contact.settings;
  try {
    const http = look.client;
    const info = await look.within(
      connectTimeout,
      'no answer',
      getRemoteInfo2({ http, url, protocolVersion: 2 }),
    );
    if (info.protocolVersion !== 2) throw broken('does not speak protocol v2', 'mirror-unusable');
    const advertisement = { capabilities: advertised(info.capabilities) };
    const format = objectFormat(advertisement);
    if (format !== 'sha1') throw broken(`has ${format} objects`, 'mirror-unusable');
    const listed = await look.within(
      PREPARATION,
      'no list of refs',
      listServerRefs({ http, url, protocolVersion: 2 }),
    );
    const refs = new Map(listed.flatMap(({ ref, oid }) => (OID.test(oid) ? [[ref, oid] as const] : [])));
    const request = Buffer.concat(sampleRequest(advertisement, sampleTip(refs)).map(({ raw }) => raw));
    const sample = await inTurn(() =>
      look.within(PREPARATION + SAMPLE.ms, 'no pack', sampled(look, url, request)),
    );
    contact.note(url, { kind: 'greeting', ms: look.latency });
    const stale = await askStale(look, url, advertisement, connectTimeout);
    contact.signal.throwIfAborted();
    return { latency: look.latency, refs, sample, stale };
  } catch (error) {
    const told = look.tell(error);
    if (look.undecided) return null;
    throw told;
  } finally {
    await look.close();
  }
}
