/* What the server writes into the document. */

/** Read it: the page's version, the language, and whether the visitor is signed in. */
export function bootData(): { version: string; language: string; signedIn: boolean } {
  const { version = "", signedIn } = document.documentElement.dataset;
  return { version, language: document.documentElement.lang || "en", signedIn: signedIn === "yes" };
}
