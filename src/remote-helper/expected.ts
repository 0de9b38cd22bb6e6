import type { Packet } from '../pkt-line/packet.ts';
import type { FetchRequest } from '../protocol/fetch-request.ts';
import type { OwnQuestion } from './own-question.ts';

/** A request that canonical has not answered to its end. */
export interface Expected {
  command: string | null;
  /** The request as git wrote it; null for anything but fetch. */
  request: FetchRequest | null;
  pack: boolean;
  /** For a request for refs in which a published list's is sought: whether a ref has come for that alone. */
  hides: ((name: string) => boolean) | null;
  /** For a request of gam's own, of which git sees nothing. */
  own: OwnQuestion | null;
  /** As it was sent, to be sent again where the line breaks at a question that was not git's. */
  packets: readonly Packet[];
}
