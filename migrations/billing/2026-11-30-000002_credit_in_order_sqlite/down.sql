DROP INDEX payments_credit_in_order;
