import type { Target } from './request-path.ts';

/** git's services (gitprotocol-http(5)); archives came to http with git 2.44, and an older http-backend says 404. */
type GitService = 'upload-pack' | 'receive-pack' | 'upload-archive';

/** What a request is called in the log and in metrics; `mirrors` is the mirror list of a repository, `hook` the call of a forge, `page` that of the server,
 * `file` one of dumb http, `none` is nothing of git's. */
export type ServiceName =
  | GitService
  | 'info-refs'
  | 'mirrors'
  | 'hook'
  | 'file'
  | 'health'
  | 'metrics'
  | 'page'
  | 'none';

/** A request that git http-backend would answer, or gam where a list is told. */
export interface Service {
  name: ServiceName;
  /** The part of the path that names a repository: `/x.git`; empty for the root itself. */
  repository: string;
  /** What follows there: `/info/refs`. */
  rest: string;
  /** The methods that it may be asked by. */
  methods: readonly string[];
}

const SERVICES: readonly GitService[] = ['upload-pack', 'receive-pack', 'upload-archive'];
const READ = ['GET', 'HEAD'] as const;
const OID = '[0-9a-f]{40}(?:[0-9a-f]{24})?';

/** What git-http-backend(1) serves, and the mirror list, each with the methods for it; whatever is not here need not start a process. */
const SERVED: readonly { ends: RegExp; name: ServiceName; methods: readonly string[] }[] = [
  { ends: /\/git-upload-pack$/, name: 'upload-pack', methods: ['POST'] },
  { ends: /\/git-receive-pack$/, name: 'receive-pack', methods: ['POST'] },
  { ends: /\/git-upload-archive$/, name: 'upload-archive', methods: ['POST'] },
  { ends: /\/info\/refs$/, name: 'info-refs', methods: READ },
  { ends: /\/info\/mirrors$/, name: 'mirrors', methods: READ },
  { ends: /\/-\/replica\/hook$/, name: 'hook', methods: ['POST'] },
  { ends: /\/HEAD$/, name: 'file', methods: READ },
  { ends: /\/objects\/info\/(?:packs|alternates|http-alternates)$/, name: 'file', methods: READ },
  { ends: /\/objects\/[0-9a-f]{2}\/(?:[0-9a-f]{38}|[0-9a-f]{62})$/, name: 'file', methods: READ },
  { ends: new RegExp(`/objects/pack/pack-${OID}\\.(?:pack|idx)$`), name: 'file', methods: READ },
];

/** What a request asks git for; null where it is nothing of git's. */
export function serviceOf({ path, query }: Target): Service | null {
  for (const { ends, name, methods } of SERVED) {
    const [rest] = ends.exec(path) ?? [];
    if (rest === undefined) continue;
    const asked = name === 'info-refs' ? advertised(query) : null;
    return { name: asked ?? name, repository: path.slice(0, -rest.length), rest, methods };
  }
  return null;
}

// Whose refs are asked for; the dumb protocol names no service.
function advertised(query: string): ServiceName | null {
  const asked = new URLSearchParams(query).get('service');
  return SERVICES.find((service) => asked === `git-${service}`) ?? null;
}
