import { askStaleLine } from './line-stale.ts';
import { listRefs } from './list-refs.ts';
import { type MirrorContact, openMirror } from './mirror-line.ts';
import { Deadline } from './patience.ts';
import {
  PREPARATION,
  type Probe,
  REF_PREFIXES,
  REFS_LIMIT,
  SAMPLE,
  Sampler,
  sampleRequest,
  sampleTip,
} from './probe.ts';

/**
 * Looks at a mirror over the very line that a fetch would use.
 * @param inTurn lets one sample after the other be taken, since they would share the way out of this machine
 * @throws GamError with `tryElsewhere`, as openMirror()
 */
export async function probeLine(
  url: string,
  contact: MirrorContact,
  inTurn: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<Probe> {
  const line = await openMirror(url, contact);
  try {
    const refs = await listRefs(line, REF_PREFIXES, REFS_LIMIT, new Deadline(PREPARATION, 'no list of refs'));
    const sample = await inTurn(async () => {
      await line.send(sampleRequest(line.advertisement, sampleTip(refs)));
      const sampler = new Sampler();
      const patience = new Deadline(PREPARATION + SAMPLE.ms, 'no pack');
      for (;;) {
        const packet = await line.source.packet(patience);
        if (packet === null || sampler.take(packet)) return sampler.result;
      }
    });
    const stale = await askStaleLine(url, line.advertisement.capabilities, contact);
    return { latency: line.latency, refs, sample, stale };
  } finally {
    line.close();
  }
}
