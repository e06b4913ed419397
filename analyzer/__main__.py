"""`python -m analyzer` is `vpn-uptake`."""

from analyzer.cli import main

if __name__ == "__main__":
    main()
