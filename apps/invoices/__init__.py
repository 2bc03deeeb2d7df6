"""Send invoices by e-mail: customers, invoices, PDFs, and mails whose fate is known one by one."""
