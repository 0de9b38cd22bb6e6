import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import { type MirrorContact, type MirrorLine, openMirror } from './mirror-line.ts';
import { Deadline } from './patience.ts';
import {
  PREPARATION,
  type Probe,
  REFS_LIMIT,
  refPrefixes,
  SAMPLE,
  Sampler,
  sampleRequest,
  sampleTip,
} from './probe.ts';

async function listRefs(line: MirrorLine, patience: Deadline): Promise<Map<string, string>> {
  const format = line.advertisement.capabilities.has('object-format')
    ? [linePacket(`object-format=${objectFormat(line.advertisement)}`)]
    : [];
  await line.send([linePacket('command=ls-refs'), ...format, DELIM, ...refPrefixes(), FLUSH]);
  const lines = await line.source.lines(patience, REFS_LIMIT);
  if (line.stateless) await line.source.packet(patience);
  const refs = lines.map(parseRefLine).filter((ref) => ref !== null);
  return new Map(refs.flatMap(({ name, oid }) => (oid === null ? [] : [[name, oid] as const])));
}

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
    const refs = await listRefs(line, new Deadline(PREPARATION, 'no list of refs'));
    const sample = await inTurn(async () => {
      await line.send(sampleRequest(line.advertisement, sampleTip(refs)));
      const sampler = new Sampler();
      const patience = new Deadline(PREPARATION + SAMPLE.ms, 'no pack');
      for (;;) {
        const packet = await line.source.packet(patience);
        if (packet === null || sampler.take(packet)) return sampler.result;
      }
    });
    return { latency: line.latency, refs, sample };
  } finally {
    line.close();
  }
}
