import fc from 'fast-check';

const DEFAULT_SEED = 14;
const typed = process.env['FUZZ_SEED'];

// The same inputs at every run, so that nobody's change is refused for somebody else's luck. Others are
// looked for with FUZZ_SEED=random, and found again with the seed that fast-check prints.
if (typed !== 'random') fc.configureGlobal({ seed: Number(typed ?? DEFAULT_SEED) });

export default fc;
