/** Preloaded into a voik that runs from source: SIGUSR2 brings about the error that BREAK names, where nobody catches it. */
process.on("SIGUSR2", () => {
  const error = new Error("an invariant is broken");
  if (process.env.BREAK === "rejection") void Promise.reject(error);
  else
    setImmediate(() => {
      throw error;
    });
});
