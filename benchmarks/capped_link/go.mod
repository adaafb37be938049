module capped_link

go 1.19
