// The time in the sandbox, which can be ahead of the browser's.

let aheadMs = 0;

export const setAhead = (seconds) => {
  aheadMs = Math.round(seconds * 1000);
};

export const now = () => Date.now() + aheadMs;
