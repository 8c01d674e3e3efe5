"""How quick the workers are, and what a job costs: `python3 run bench`. Not shipped."""
