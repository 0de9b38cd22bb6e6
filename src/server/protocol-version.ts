/**
 * Whether a client asks for protocol v2, by GIT_PROTOCOL or the header `Git-Protocol`: a list, of which the highest version
 * counts (protocol.c, determine_protocol_version_server).
 */
export function asksForV2(protocol: string | undefined): boolean {
  return (protocol ?? '').split(':').includes('version=2');
}
