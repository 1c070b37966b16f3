/** The bridge. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M5 22.500h22M7.500 22.500c0-6.500 3.600-11 8.500-11s8.500 4.500 8.500 11M16 11.500v11M11.500 13.500v9M20.500 13.500v9" />
    </svg>
  );
}
