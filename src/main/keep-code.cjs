// Loaded by every node of a rehearsal (rehearsal.ts), before gam: keeps what V8 has compiled of a bundle by the end.
const { writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');

// V8 takes code only under the flags under which it was made, and gam starts without those that it sets later.
v8.setFlagsFromString = () => undefined;

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    // Not before, since it takes vm.Script as it finds it.
    const { codeFile } = require('../../bin/load.js');
    const file = join(process.env.GAM_REHEARSAL, `${codeFile(basename(options.filename))}.${process.pid}`);
    process.once('exit', () => writeFileSync(file, this.createCachedData()));
  }
};
