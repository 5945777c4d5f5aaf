interface Observable<S> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
}

/** The first snapshot of which this is true, from now on; the observer is watched meanwhile. Errors: none came in five seconds. */
export function until<S>(observer: Observable<S>, isWanted: (snapshot: S) => boolean): Promise<S> {
  return new Promise((resolve, reject) => {
    let leave = () => {};
    const timer = setTimeout(() => {
      leave();
      reject(new Error(`It did not come; last: ${JSON.stringify(observer.getSnapshot())}`));
    }, 8000);
    const look = () => {
      const snapshot = observer.getSnapshot();
      if (!isWanted(snapshot)) return;
      clearTimeout(timer);
      // A moment later: who waits for the next thing has begun to watch by then.
      setImmediate(leave);
      resolve(snapshot);
    };
    leave = observer.subscribe(look);
    look();
  });
}
