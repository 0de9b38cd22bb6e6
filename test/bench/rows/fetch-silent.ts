import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { fetched } from '../measure/stage.ts';

const SILENT = { kind: 'stall' } as const;

export const FETCH_SILENT: Row = {
  name: 'fetch-silent',
  title:
    'Fetch of 100 new commits where two mirrors accept and say nothing (gam.connectTimeout 1s), beside plain git',
  aim: 'at most one connect timeout in total, at the same time as the round trips of canonical',
  rounds: 5,
  async set(stage) {
    const { canonical, fresh, second } = stage.scene;
    const url = `mirror::${canonical.url}`;
    const config = { 'gam.connectTimeout': '1s' };
    const mirrors = [fresh, second];
    const run = async () => {
      for (const { line } of mirrors) line.setFault(SILENT);
      try {
        return await fetched(stage, { has: 'old.git', url, mirrors, config });
      } finally {
        for (const { line } of mirrors) line.setFault(null);
      }
    };
    return {
      ways: [
        { title: 'plain', run: () => fetched(stage, { has: 'old.git', url: canonical.url }) },
        { title: 'through gam', run },
      ],
      figures: [TIME],
    };
  },
};
