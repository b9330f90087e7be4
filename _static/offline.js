/* Opened from disk, a page may not fetch another: list the results of a search without excerpts, not with errors. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
