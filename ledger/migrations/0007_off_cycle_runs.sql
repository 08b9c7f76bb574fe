-- An ordered run may bill on its date itself, whatever the customers' billing days are.
ALTER TABLE ledger.ordered_run ADD COLUMN off_cycle boolean NOT NULL DEFAULT false;
