// What was sent from this page: its job's id goes into the address, and so into the list of runs.



// Before the page is asked for again, which others do when they hear of it.
addEventListener(
  "acted",
  (event) => {
    const id = /** @type {CustomEvent} */ (event).detail?.data?.jobId;
    if (!id) return;
    const address = new URL(location.href);
    address.searchParams.append("run", id);
    history.replaceState(null, "", address);
  },
  true,
);
